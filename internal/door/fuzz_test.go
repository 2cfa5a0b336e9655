package door

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
)

// A header about codings says of each something between 0 and 1, or nothing, and
// what is chosen is one that it accepts.
func FuzzAcceptEncoding(f *testing.F) {
	for _, seed := range []string{"gzip", "gzip;q=0.5, *;q=0", "identity;q=0, br", ",;=,*", "gzip;q=NaN", "gzip;q=0x1p-2", "x-gzip;Q=1.000"} {
		f.Add(seed, "br")
	}
	d := Door{Codings: []Coding{{Name: "zstd"}, {Name: "gzip"}, {Name: "br"}}}
	f.Fuzz(func(t *testing.T, first, second string) {
		lines := []string{first, second}
		for _, coding := range []string{"zstd", "gzip", "br", identity} {
			if w := weight(lines, coding); w < notNamed || w > 1000 {
				t.Errorf("%q: %s has %d", lines, coding, w)
			}
		}
		best := d.preferred(lines)
		if best != nil && weight(lines, best.Name) <= 0 {
			t.Errorf("%q: %s is chosen and not accepted", lines, best.Name)
		}
		if best == nil && weight(lines, identity) == 0 && max(weight(lines, "zstd"), weight(lines, "gzip"), weight(lines, "br")) > 0 {
			t.Errorf("%q: identity is chosen and not accepted", lines)
		}
	})
}

// Digests are read whatever is in the header.
func FuzzDigests(f *testing.F) {
	f.Add("sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:")
	f.Add("sha-256=:=:, =, sha-512;a, sha-256=1")
	f.Fuzz(func(t *testing.T, line string) {
		members, _ := dictionary([]string{line})
		for name, value := range members {
			if strings.ContainsAny(name, ",;=") || !strings.Contains(line, name) || !strings.Contains(line, value) {
				t.Errorf("%q holds %q=%q", line, name, value)
			}
			if b, ok := byteSequence(value); ok && len(b) > len(value) {
				t.Errorf("%q is %d bytes", value, len(b))
			}
		}
	})
}

// FuzzQuery checks that no query of an item panics, and that a dry run is never missed:
// whatever is not plainly one is refused, or has another name altogether.
func FuzzQuery(f *testing.F) {
	for _, raw := range []string{"", "dryRun=true", "dryRun=false&include=version,meta", "dry_run=true", "dryrun", "dryRun=true&dryRun=true", "include=all", "%zz", "a=b;dryRun=true", "dry%52un=true"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, bad := parseQuery(raw)
		if bad != nil {
			if q != (query{}) || bad.detail == "" {
				t.Errorf("%q is refused with %+v, %q", raw, q, bad.detail)
			}
			return
		}
		values, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatalf("%q is taken: %v", raw, err)
		}
		for name, all := range values {
			if fold(name) == "dryrun" && (name != "dryRun" || len(all) != 1 || all[0] != strconv.FormatBool(q.dryRun)) {
				t.Errorf("%q is taken with a dry run of %t", raw, q.dryRun)
			}
		}
	})
}

// FuzzWantReprDigest checks that no preference panics, and that what is answered to one
// is a digest that was asked for.
func FuzzWantReprDigest(f *testing.F) {
	for _, line := range []string{"sha-256=1", "sha-512=10, sha-256=3;a=\"b\\\"\"", "a=(1 2.5 ?1);b, sha-256=0", "sha-256=1,", "sha-256=-1", "a=:YQ==:,b=@1,c=%\"x\",*=tok"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		r := &http.Request{Header: http.Header{"Want-Repr-Digest": {line}}}
		h := http.Header{}
		SetReprDigest(h, r, []byte("x"))
		got := h.Get("Repr-Digest")
		name, _, _ := strings.Cut(got, "=")
		members, _ := dictionary([]string{line})
		n, err := strconv.Atoi(members[name])
		if got != "" && (name != "sha-256" && name != "sha-512" || err != nil || n < 1 || n > 10) {
			t.Errorf("%q is answered with %q", line, got)
		}
	})
}

func BenchmarkRepresent(b *testing.B) {
	d := Door{Codings: []Coding{{Name: "zstd"}, {Name: "gzip"}, {Name: "br"}}}
	for name, header := range map[string]map[string][]string{
		"none": {}, "curl": {"Accept-Encoding": {"deflate, gzip, br, zstd"}}, "browser": {"Accept-Encoding": {"gzip, deflate"}},
	} {
		b.Run(name, func(b *testing.B) {
			r := &http.Request{Header: header}
			for b.Loop() {
				d.Represent(r, ifmatch.VersionTag(5), 4096, &ifmatch.Conditions{}, false)
			}
		})
	}
}

// FuzzPrefer: whatever is preferred, a wait is one that the engine takes, and is named
// in the answer as it is kept.
func FuzzPrefer(f *testing.F) {
	f.Add("wait=5, return=minimal")
	f.Add(`Wait="99999999999999999999"; x=1, wait=1`)
	f.Fuzz(func(t *testing.T, line string) {
		p := parsePrefer([]string{line})
		if d := p.patience(); d < 0 || d > engine.MaxWait {
			t.Errorf("%q waits for %s", line, d)
		}
		if again := parsePrefer([]string{p.waited()}); again.patience() != p.patience() {
			t.Errorf("%q waits for %s, and is said to for %q", line, p.patience(), p.waited())
		}
		patience, applied := Waits(&http.Request{Header: http.Header{"Prefer": {line}}})
		again, _ := Waits(&http.Request{Header: http.Header{"Prefer": {applied}}})
		if patience != again || patience < p.patience() || patience > maxFeedWait*time.Second {
			t.Errorf("%q waits for a change for %s, and is said to for %q", line, patience, applied)
		}
	})
}

// FuzzKey: whatever is in the header is a key or is refused; a key is the same one
// spelt as a string, and means one thing.
func FuzzKey(f *testing.F) {
	f.Add("8e03978e-40d5-43e8-bc93-6894a57f9324")
	f.Add(`"a\"b\\c"`)
	f.Fuzz(func(t *testing.T, line string) {
		key, wrong := parseKey([]string{line})
		if (wrong == "") != (key != "") {
			t.Fatalf("%q is the key %q, and wrong: %s", line, key, wrong)
		}
		if wrong != "" {
			return
		}
		if len(key) > maxKey || len(key) > len(line) {
			t.Errorf("%q is a key of %d bytes", line, len(key))
		}
		for i := range len(key) {
			if key[i] < ' ' || key[i] > '~' {
				t.Errorf("%q is a key with a character beyond those of strings", line)
			}
		}
		spelt := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`
		if again, wrong := parseKey([]string{spelt}); again != key || wrong != "" {
			t.Errorf("%q is the key %q; as a string it is %q, %s", line, key, again, wrong)
		}
		if text := strings.Trim(line, " "); text != key && text != spelt && !strings.HasPrefix(text, `"`) {
			t.Errorf("%q is the key %q, though bare it is another", line, key)
		}
		if _, wrong := parseKey([]string{line, line}); wrong == "" {
			t.Errorf("%q is a key twice", line)
		}
	})
}

// FuzzStored: what is stored of answers is read, or is an error, whatever it is.
func FuzzStored(f *testing.F) {
	f.Add([]byte(`{"status":200,"header":{"Etag":["\"5\""]},"body":true}` + "\n" + `{"n":1}`))
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, body, err := decodeStored(content)
		if err != nil {
			return
		}
		if s.Status < 200 || s.Status > 299 || !s.Body && body != nil {
			t.Errorf("%q is status %d with a body of %d bytes", content, s.Status, len(body))
		}
	})
}
