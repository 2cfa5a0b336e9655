package ifmatch_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch"
)

// The keys of tests, the oldest first.
var (
	firstKey  = bytes.Repeat([]byte{1}, 32)
	secondKey = bytes.Repeat([]byte{2}, 32)
	thirdKey  = bytes.Repeat([]byte{3}, 64)
)

func newSigner(t interface{ Fatal(...any) }, store string, epoch int64, keys ...[]byte) *ifmatch.Signer {
	s, err := ifmatch.NewSigner(store, epoch, keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var note = ifmatch.Subject{Collection: "notes", ID: "1"}

// TestSignedTag holds the form: clients keep tags for longer than a server runs.
func TestSignedTag(t *testing.T) {
	s := newSigner(t, "store", 3, firstKey)
	if have, want := s.Sign(&note, 5).String(), `"AVRljh0AAAAAAwAAAAAAAAVjaEhII389PGrhus16_J5z"`; have != want {
		t.Errorf("version 5 has the tag %s, want %s", have, want)
	}
	digest := [32]byte{7}
	if have, want := s.SignValue(&note, "/title", &digest).String(), `"AlRljh0AAAAAA-z-OHQoDimv4KORtTmeR7I2Im9VWSw53vtjYyXWQ6VS"`; have != want {
		t.Errorf("the title has the tag %s, want %s", have, want)
	}
	if id := ifmatch.KeyID(firstKey); id != "54658e1d" {
		t.Errorf("the key is named %s", id)
	}
}

func TestNewSigner(t *testing.T) {
	for name, tt := range map[string]struct {
		epoch int64
		keys  [][]byte
	}{
		"no key": {1, nil}, "a short key": {1, [][]byte{firstKey[:31]}}, "the same key twice": {1, [][]byte{firstKey, secondKey, firstKey}},
		"a negative epoch": {-1, [][]byte{firstKey}}, "an epoch beyond 40 bits": {1 << 40, [][]byte{firstKey}},
	} {
		if s, err := ifmatch.NewSigner("store", tt.epoch, tt.keys...); err == nil || s != nil {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	s := newSigner(t, "store", 1<<40-1, firstKey)
	tag := s.Sign(&note, ifmatch.MaxVersion)
	if err := s.SetKeys(); err == nil {
		t.Error("a ring without keys is accepted")
	}
	if have := s.Verify(&note, ifmatch.MaxVersion, tag); !have.Current {
		t.Errorf("a ring that was refused is in force: %+v", have)
	}
}

// signedState is a document at a version, as preconditions see it.
func signedState(s *ifmatch.Signer, of ifmatch.Subject, version int64) ifmatch.State {
	k := ifmatch.Contract{Token: ifmatch.TokenSigned, Signer: s}
	verify := k.Verifier(of, version)
	return ifmatch.State{
		Exists: true, Version: version, ETag: k.ETag(&of, version, 1, nil), Verify: verify,
		Earlier: func(t ifmatch.ETag) int64 {
			if v := verify(t).Version; v < version {
				return v
			}
			return 0
		},
	}
}

func judgeSigned(method, field string, s ifmatch.State, tags ...string) ifmatch.Result {
	k := ifmatch.Contract{Token: ifmatch.TokenSigned}
	return ifmatch.Evaluate(method, ifmatch.ParseConditions(http.Header{field: tags}), s, k)
}

func subjects() *rapid.Generator[ifmatch.Subject] {
	text := rapid.StringOfN(rapid.SampledFrom([]rune("ab/")), 0, 3, -1)
	return rapid.Custom(func(t *rapid.T) ifmatch.Subject {
		return ifmatch.Subject{Collection: text.Draw(t, "collection"), Params: text.Draw(t, "params"), ID: text.Draw(t, "id")}
	})
}

func versions() *rapid.Generator[int64] { return rapid.Int64Range(1, ifmatch.MaxVersion) }

// TestSignedTagsAltered: no change of a tag makes another that is good.
func TestSignedTagsAltered(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newSigner(rt, "store", rapid.Int64Range(0, 5).Draw(rt, "epoch"), firstKey, secondKey)
		of, version, digest := subjects().Draw(rt, "document"), versions().Draw(rt, "version"), [32]byte{1}
		verify, good := func(tag ifmatch.ETag) ifmatch.Signature { return s.Verify(&of, version, tag) }, s.Sign(&of, version)
		if rapid.Bool().Draw(rt, "a value") {
			verify, good = func(tag ifmatch.ETag) ifmatch.Signature { return s.VerifyValue(&of, "/a", &digest, tag) }, s.SignValue(&of, "/a", &digest)
		}
		if have := verify(good); !have.Current || have.Forged {
			rt.Fatalf("%s is judged %+v", good, have)
		}
		raw, err := base64.RawURLEncoding.DecodeString(good.Opaque())
		if err != nil {
			rt.Fatal(err)
		}
		bit := rapid.IntRange(0, len(raw)*8-1).Draw(rt, "bit")
		raw[bit/8] ^= 1 << (bit % 8)
		altered := parse(rt, `"`+base64.RawURLEncoding.EncodeToString(raw)+`"`)
		// Beyond kind and key whatever is altered is found out.
		if have := verify(altered); have.Current || have.Version != 0 || have.Forged != (bit >= 40) {
			rt.Errorf("with bit %d altered %s is judged %+v", bit, altered, have)
		}
		text := []byte(good.Opaque())
		at := rapid.IntRange(0, len(text)-1).Draw(rt, "at")
		text[at] = rapid.SampledFrom([]byte("AZaz09-_+/=.!~")).Draw(rt, "character")
		if other := parse(rt, `"`+string(text)+`"`); other != good {
			if have := verify(other); have.Current || have.Version != 0 {
				rt.Errorf("%s is judged %+v, as an alteration of %s", other, have, good)
			}
		}
		cut := parse(rt, `"`+good.Opaque()[:rapid.IntRange(0, len(text)-1).Draw(rt, "length")]+`"`)
		if have := verify(cut); have != (ifmatch.Signature{}) {
			rt.Errorf("%s is judged %+v", cut, have)
		}
	})
}

// TestSignedTagsCarriedElsewhere: a tag is good for what it was made for and forged
// anywhere else, but of another epoch, when it says nothing.
func TestSignedTagsCarriedElsewhere(t *testing.T) {
	type place struct {
		store  string
		epoch  int64
		of     ifmatch.Subject
		at     string // of a value; "-" for the document
		digest [32]byte
	}
	places := rapid.Custom(func(t *rapid.T) place {
		return place{
			store: rapid.SampledFrom([]string{"", "a", "ab"}).Draw(t, "store"), epoch: rapid.Int64Range(1, 2).Draw(t, "epoch"), of: subjects().Draw(t, "document"),
			at: rapid.SampledFrom([]string{"-", "", "a", "b", "/a"}).Draw(t, "pointer"), digest: [32]byte{rapid.ByteMax(1).Draw(t, "content")},
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		here, other := places.Draw(rt, "here"), places.Draw(rt, "other")
		there := here // but for one thing or none, as a rule: that they differ in one alone would be too rare else
		for i, differs := range rapid.OneOf(rapid.Just([]bool{}), rapid.Map(rapid.IntRange(0, 6), func(i int) []bool { return append(make([]bool, i), true) }), rapid.SliceOfN(rapid.Bool(), 7, 7)).Draw(rt, "differs") {
			if !differs {
				continue
			}
			switch i {
			case 0:
				there.store = other.store
			case 1:
				there.epoch = other.epoch
			case 2:
				there.of.Collection = other.of.Collection
			case 3:
				there.of.Params = other.of.Params
			case 4:
				there.of.ID = other.of.ID
			case 5:
				there.at = other.at
			case 6:
				there.digest = other.digest
			}
		}
		version, current := versions().Draw(rt, "version"), versions().Draw(rt, "current")
		sign := func(p *place, version int64) ifmatch.ETag {
			s := newSigner(rt, p.store, p.epoch, firstKey)
			if p.at == "-" {
				return s.Sign(&p.of, version)
			}
			return s.SignValue(&p.of, p.at, &p.digest)
		}
		s := newSigner(rt, there.store, there.epoch, firstKey)
		tag := sign(&here, version)
		var have, want ifmatch.Signature
		switch {
		case here.store != there.store || here.of != there.of || here.at != there.at:
			want.Forged = true
		case here.epoch != there.epoch:
		case here.at == "-":
			want = ifmatch.Signature{Version: version, Current: version == current}
		default:
			want.Current = here.digest == there.digest
		}
		if there.at == "-" {
			have = s.Verify(&there.of, current, tag)
		} else {
			have = s.VerifyValue(&there.of, there.at, &there.digest, tag)
		}
		if have != want {
			rt.Errorf("%s of %+v is judged %+v at %+v, want %+v", tag, here, have, there, want)
		}
		if (sign(&there, version) == tag) != (here == there || here.at == "-" && here.store == there.store && here.epoch == there.epoch && here.of == there.of && there.at == "-") {
			rt.Errorf("%+v and %+v have the tag %s", here, there, tag)
		}
	})
}

// TestSignedTagsCarriedNextDoor: nothing of what a tag is of can be another, or stand on
// the other side of a boundary.
func TestSignedTagsCarriedNextDoor(t *testing.T) {
	type place struct{ store, collection, params, id, at string }
	here := place{"ab", "cd", "ef", "gh", "ij"}
	sign := func(p place, value bool) (*ifmatch.Signer, ifmatch.Subject, ifmatch.ETag) {
		s, of := newSigner(t, p.store, 1, firstKey), ifmatch.Subject{Collection: p.collection, Params: p.params, ID: p.id}
		tag := s.Sign(&of, 5)
		if value {
			tag = s.SignValue(&of, p.at, &[32]byte{1})
		}
		return s, of, tag
	}
	_, _, tag := sign(here, false)
	_, _, valueTag := sign(here, true)
	for _, there := range []place{
		{"x", "cd", "ef", "gh", "ij"}, {"ab", "x", "ef", "gh", "ij"}, {"ab", "cd", "x", "gh", "ij"}, {"ab", "cd", "ef", "x", "ij"}, {"ab", "cd", "ef", "gh", "x"},
		{"abc", "d", "ef", "gh", "ij"}, {"ab", "cde", "f", "gh", "ij"}, {"ab", "cd", "efg", "h", "ij"}, {"ab", "cd", "ef", "ghi", "j"}, {"ab", "", "cdef", "gh", "ij"},
	} {
		s, of, own := sign(there, false)
		if have, elsewhere := s.Verify(&of, 5, tag), there.at == "x"; have.Forged == elsewhere || (own == tag) != elsewhere {
			t.Errorf("%s of %v is judged %+v at %v", tag, here, have, there)
		}
		if have := s.VerifyValue(&of, there.at, &[32]byte{1}, valueTag); !have.Forged || have.Current {
			t.Errorf("%s of %v is judged %+v at %v", valueTag, here, have, there)
		}
	}
}

// TestSignedTagsRotation: what an earlier key of the ring has signed names what it
// named, and what none has signed names nothing.
func TestSignedTagsRotation(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newSigner(rt, "store", 1, firstKey)
		older, current := versions().Draw(rt, "version"), versions().Draw(rt, "current")
		if older == current {
			rt.Skip("one version")
		}
		older, current = min(older, current), max(older, current)
		coding := rapid.SampledFrom([]string{"", ";gzip", "-gzip", ";br", "-zstd"}).Draw(rt, "coding")
		coded := func(tag ifmatch.ETag) string { return `"` + tag.Opaque() + coding + `"` }
		was, is := s.Sign(&note, older), s.Sign(&note, current)
		for name, tt := range map[string]struct {
			ring [][]byte
			good bool
		}{"rotated": {[][]byte{firstKey, secondKey}, true}, "twice": {[][]byte{firstKey, secondKey, thirdKey}, true}, "removed": {[][]byte{secondKey, thirdKey}, false}} {
			if err := s.SetKeys(tt.ring...); err != nil {
				rt.Fatal(err)
			}
			now := signedState(s, note, current)
			match, stale := ifmatch.Result{Verdict: ifmatch.Fresh}, ifmatch.Result{Verdict: ifmatch.Stale, By: ifmatch.FieldIfMatch, Base: older}
			polled, shown := ifmatch.Result{Verdict: ifmatch.NotModified, By: ifmatch.FieldIfNoneMatch}, is
			if !tt.good {
				failed := ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfMatch}
				match, stale, polled, shown = failed, failed, ifmatch.Result{Verdict: ifmatch.Fresh}, now.ETag
			}
			if now.ETag == is {
				rt.Errorf("%s: the newest key does not sign", name)
			}
			for _, weak := range []string{"", "W/"} {
				if have := judgeSigned("GET", "If-None-Match", now, weak+coded(is)); have != polled {
					rt.Errorf("%s: If-None-Match: %s%s is judged %+v, want %+v", name, weak, is, have, polled)
				}
				list := ifmatch.Tags(was, parse(rt, weak+coded(is)))
				if have := now.As(&list); have != shown {
					rt.Errorf("%s: the reader of %s%s has %s, want %s", name, weak, is, have, shown)
				}
			}
			if have := judgeSigned("PUT", "If-Match", now, coded(is)); have != match {
				rt.Errorf("%s: If-Match: %s is judged %+v, want %+v", name, is, have, match)
			}
			if have := judgeSigned("PUT", "If-Match", now, coded(was)); have != stale {
				rt.Errorf("%s: If-Match: %s is judged %+v, want %+v", name, was, have, stale)
			}
			both := ifmatch.Tags(is, now.ETag)
			if have := now.As(&both); have != now.ETag {
				rt.Errorf("%s: a reader who has both tags is shown %s", name, have)
			}
			composites := ifmatch.Tags(parse(rt, `W/"`+is.Composite([]byte("links")).Opaque()+`-gzip"`))
			if have := now.As(&composites); have != shown {
				rt.Errorf("%s: the reader of %s and more has %s, want %s", name, is, have, shown)
			}
		}
	})
}

func parse(t interface{ Fatal(...any) }, s string) ifmatch.ETag {
	tag, err := ifmatch.ParseETag(s)
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

// TestEvaluateSigned holds what preconditions make of signed tags.
func TestEvaluateSigned(t *testing.T) {
	s := newSigner(t, "store", 1, firstKey)
	now, none := signedState(s, note, 5), ifmatch.State{Verify: (&ifmatch.Contract{Token: ifmatch.TokenSigned, Signer: s}).Verifier(note, 0)}
	tag := func(version int64) string { return s.Sign(&note, version).String() }
	elsewhere := s.Sign(&ifmatch.Subject{Collection: "notes", ID: "2"}, 5).String()
	foreign := newSigner(t, "store", 1, secondKey).Sign(&note, 5).String()
	forged := ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfMatch, Forged: true}
	failed := ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfMatch}
	for _, tt := range []struct {
		name, method, field string
		state               ifmatch.State
		tags                []string
		want                ifmatch.Result
	}{
		{"the current one", "PUT", "If-Match", now, []string{tag(5)}, ifmatch.Result{Verdict: ifmatch.Fresh}},
		{"an earlier one", "PATCH", "If-Match", now, []string{tag(3)}, ifmatch.Result{Verdict: ifmatch.Stale, By: ifmatch.FieldIfMatch, Base: 3}},
		{"one to come", "PUT", "If-Match", now, []string{tag(6)}, failed},
		{"the current one, weak", "PUT", "If-Match", now, []string{"W/" + tag(5)}, ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfMatch, WeakOnly: true}},
		{"that of an answer with more", "PUT", "If-Match", now, []string{s.Sign(&note, 5).Composite([]byte("links")).String()}, ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfMatch, WeakOnly: true}},
		{"another document's", "PUT", "If-Match", now, []string{elsewhere}, forged},
		{"another document's, coded", "DELETE", "If-Match", now, []string{elsewhere[:len(elsewhere)-1] + `;gzip"`}, forged},
		{"another document's, weak", "PUT", "If-Match", now, []string{"W/" + elsewhere}, forged},
		{"another document's beside an earlier one", "PUT", "If-Match", now, []string{tag(3), elsewhere}, forged},
		{"another document's beside the current one, weak", "PUT", "If-Match", now, []string{"W/" + tag(5), elsewhere}, forged},
		{"another document's beside the current one", "PUT", "If-Match", now, []string{elsewhere, tag(5)}, ifmatch.Result{Verdict: ifmatch.Fresh}},
		{"another document's, where there is none", "PUT", "If-Match", none, []string{elsewhere}, forged},
		{"one of the document that was there", "PUT", "If-Match", none, []string{tag(5)}, failed},
		{"of a key that is not in the ring", "PUT", "If-Match", now, []string{foreign}, failed},
		{"of another form", "PUT", "If-Match", now, []string{`"5"`, `""`, `"x"`}, failed},
		{"another document's, of a reader", "GET", "If-Match", now, []string{elsewhere}, failed},
		{"another document's, to poll", "GET", "If-None-Match", now, []string{elsewhere}, ifmatch.Result{Verdict: ifmatch.Fresh}},
		{"the current one to poll", "GET", "If-None-Match", now, []string{elsewhere, "W/" + tag(5)}, ifmatch.Result{Verdict: ifmatch.NotModified, By: ifmatch.FieldIfNoneMatch}},
		{"the current one not to be there", "PUT", "If-None-Match", now, []string{tag(5)}, ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfNoneMatch}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if have := judgeSigned(tt.method, tt.field, tt.state, tt.tags...); have != tt.want {
				t.Errorf("%s %s: %v is judged %+v, want %+v", tt.method, tt.field, tt.tags, have, tt.want)
			}
		})
	}
	t.Run("with a version in the content", func(t *testing.T) {
		for _, tt := range []struct {
			tags    []string
			version int64
			want    ifmatch.Result
		}{
			{[]string{tag(5)}, 5, ifmatch.Result{Verdict: ifmatch.Fresh}},
			{[]string{tag(3), tag(5)}, 5, ifmatch.Result{Verdict: ifmatch.Fresh}},
			{[]string{tag(5)}, 4, ifmatch.Result{Verdict: ifmatch.Malformed, By: ifmatch.FieldVersion}},
			{[]string{foreign}, 5, failed},
			{[]string{elsewhere}, 5, forged},
		} {
			c := ifmatch.ParseConditions(http.Header{"If-Match": tt.tags})
			c.Version = tt.version
			if have := ifmatch.Evaluate("PUT", c, now, ifmatch.Contract{Token: ifmatch.TokenSigned}); have != tt.want {
				t.Errorf("%v with version %d is judged %+v, want %+v", tt.tags, tt.version, have, tt.want)
			}
		}
	})
}

// FuzzSignedTag checks that no tag is good but those that the signer makes.
func FuzzSignedTag(f *testing.F) {
	s := newSigner(f, "store", 1, firstKey, secondKey)
	digest := [32]byte{7}
	made := []string{s.Sign(&note, 5).Opaque(), s.Sign(&note, 4).Opaque(), s.SignValue(&note, "/title", &digest).Opaque()}
	for _, opaque := range append(made, s.Sign(&ifmatch.Subject{}, 5).Opaque(), "5", "", made[0]+"-gzip", made[0]+"+LgnVIQ24QXdXsPh1wnbQyw", made[1][:43]) {
		f.Add(opaque)
	}
	now := signedState(s, note, 5)
	f.Fuzz(func(t *testing.T, opaque string) {
		tag, err := ifmatch.ParseETag(`"` + opaque + `"`)
		if err != nil {
			return
		}
		known := slices.Contains(made, opaque)
		if have := s.Verify(&note, 5, tag); (have.Version != 0 || have.Current) && (!known || have.Forged) {
			t.Errorf("%s is judged %+v", tag, have)
		}
		if have := s.VerifyValue(&note, "/title", &digest, tag); have.Current != (opaque == made[2]) || have.Current && have.Forged {
			t.Errorf("%s is judged %+v, as that of a value", tag, have)
		}
		bare, _, _ := bytes.Cut([]byte(opaque), []byte{';'})
		if res := judgeSigned("PUT", "If-Match", now, tag.String()); res.Fresh() && !bytes.HasPrefix(bare, []byte(made[0])) {
			t.Errorf("If-Match: %s is judged %+v", tag, res)
		}
	})
}

// BenchmarkSignedTag says what a signed tag costs to make, and to verify.
func BenchmarkSignedTag(b *testing.B) {
	s := newSigner(b, "0123456789abcdef0123456789abcdef", 1, firstKey, secondKey)
	tag := s.Sign(&note, 5)
	b.Run("sign", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Sign(&note, 5)
		}
	})
	b.Run("verify", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Verify(&note, 5, tag)
		}
	})
}
