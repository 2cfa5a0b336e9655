package policy

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/merge"
)

func defaultCollection(name string) Collection {
	c := Collection{
		Name:     name,
		ID:       ID{Param: "id", Generate: UUIDv7},
		Contract: Contract{Preset: PresetRFC9110, ConflictDetails: DetailsFull, Dialect: ifmatch.Dialect{StaleStatus: 412, VersionField: "version"}},
		History:  History{Keep: 100, For: 90 * 24 * time.Hour},
		OnStale:  ifmatch.OnStale{Default: ifmatch.StrategyReject, Allow: []ifmatch.Strategy{ifmatch.StrategyReject}},
	}
	if name != "" {
		c.Path = "/v1/" + name
	}
	return c
}

func defaultPolicy() *Policy {
	c := defaultCollection("")
	return &Policy{
		Listen: "127.0.0.1:8080", Store: "sqlite:ifmatch.db", Default: &c,
		Limits:      Limits{Body: 1 << 20, Depth: 64, PatchOps: 1000, BatchOps: 1000, Page: 1000, Tags: 100, URL: 8 << 10, Header: 16 << 10, Connections: 4096, Reads: 256, Writes: 64},
		Idempotency: Idempotency{Keep: 24 * time.Hour},
	}
}

// with returns the policy of one collection "notes" after change.
func with(change func(*Collection)) *Policy {
	p := defaultPolicy()
	p.Default = nil
	p.Collections = []Collection{defaultCollection("notes")}
	change(&p.Collections[0])
	return p
}

func TestParse(t *testing.T) {
	tests := []struct {
		name, file string
		want       *Policy
	}{
		{"empty", "", defaultPolicy()},
		{"comments only", "# nothing\n---\n# here either\n", defaultPolicy()},
		{"empty block", "{}", defaultPolicy()},
		{"a collection turns the default off", "collections: [{name: notes}]", with(func(*Collection) {})},
		{"default beside collections", "default: {}\ncollections: [{name: notes}]", func() *Policy {
			p := with(func(*Collection) {})
			p.Default = defaultPolicy().Default
			return p
		}()},
		{"server", "listen: ':80'\nstore: 'memory:'\n", func() *Policy {
			p := defaultPolicy()
			p.Listen, p.Store = ":80", "memory:"
			return p
		}()},
		{"limits", "limits: {body: 64KiB, depth: 8, patch_ops: 1, page: 2, batch_ops: 4, tags: 3, url: 2000, header: 8KiB}", func() *Policy {
			p := defaultPolicy()
			p.Limits = Limits{Body: 65536, Depth: 8, PatchOps: 1, Page: 2, BatchOps: 4, Tags: 3, URL: 2000, Header: 8192, Connections: 4096, Reads: 256, Writes: 64}
			return p
		}()},
		{"idempotency", "idempotency: {keep: 1d12h}", func() *Policy {
			p := defaultPolicy()
			p.Idempotency.Keep = 36 * time.Hour
			return p
		}()},
		{"path", "collections: [{name: notes, path: /api/v2/~n.o_t-es}]", with(func(c *Collection) { c.Path = "/api/v2/~n.o_t-es" })},
		{"contract", `
collections:
  - name: notes
    contract:
      preset: rfc9110
      token: hash
      weak_if_match: accept
      precondition: optional
      already_applied: accept
      conflict_details: summary
`, with(func(c *Collection) {
			c.Contract.Contract = ifmatch.Contract{Token: ifmatch.TokenHash, AcceptWeak: true, AcceptApplied: true,
				Precondition: ifmatch.MethodPreconditions{Put: ifmatch.PreconditionOptional, Patch: ifmatch.PreconditionOptional, Delete: ifmatch.PreconditionOptional}}
			c.Contract.ConflictDetails = DetailsSummary
		})},
		{"precondition by method", "collections: [{name: notes, contract: {precondition: {patch: optional, delete: tag}}}]", with(func(c *Collection) {
			c.Contract.Precondition = ifmatch.MethodPreconditions{Patch: ifmatch.PreconditionOptional, Delete: ifmatch.PreconditionTag}
		})},
		{"weak implies accept", "collections: [{name: notes, contract: {weak: true}}]", with(func(c *Collection) {
			c.Contract.Weak, c.Contract.AcceptWeak = true, true
		})},
		{"history", "collections: [{name: notes, history: {for: 1d12h}}]", with(func(c *Collection) {
			c.History.For = 36 * time.Hour
		})},
		{"history off", "collections: [{name: notes, history: off}]", with(func(c *Collection) { c.History = History{Off: true} })},
		{"strategies", "collections: [{name: notes, on_stale: {default: overwrite}}]", with(func(c *Collection) {
			c.OnStale = ifmatch.OnStale{Default: ifmatch.StrategyOverwrite, Allow: []ifmatch.Strategy{ifmatch.StrategyReject, ifmatch.StrategyOverwrite}}
		})},
		{"allow names each once", "collections: [{name: notes, on_stale: {allow: [overwrite, reject, overwrite]}}]", with(func(c *Collection) {
			c.OnStale.Allow = []ifmatch.Strategy{ifmatch.StrategyReject, ifmatch.StrategyOverwrite}
		})},
		{"park", "collections: [{name: notes, on_stale: {allow: [park, merge]}}]", with(func(c *Collection) {
			c.OnStale.Allow = []ifmatch.Strategy{ifmatch.StrategyReject, ifmatch.StrategyPark, ifmatch.StrategyMerge}
		})},
		{"merge", "collections: [{name: notes, on_stale: {default: merge}, history: {keep: 2}}]", with(func(c *Collection) {
			c.OnStale = ifmatch.OnStale{Default: ifmatch.StrategyMerge, Allow: []ifmatch.Strategy{ifmatch.StrategyReject, ifmatch.StrategyMerge}}
			c.History.Keep = 2
		})},
		{"list below an item is no overlap", "collections: [{name: notes}, {name: pages, path: /v1/notes/x/pages}]", func() *Policy {
			p := with(func(*Collection) {})
			pages := defaultCollection("pages")
			pages.Path = "/v1/notes/x/pages"
			p.Collections = append(p.Collections, pages)
			return p
		}()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse("p.yaml", []byte(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			var printed bytes.Buffer
			if err := got.Print(&printed); err != nil {
				t.Fatal(err)
			}
			again, err := Parse("printed", printed.Bytes())
			if err != nil || !reflect.DeepEqual(again, got) {
				t.Errorf("what is printed reads as %+v, %v:\n%s", again, err, printed.String())
			}
		})
	}
}

func TestPrintStatesEveryKey(t *testing.T) {
	p := with(func(*Collection) {})
	p.Default = defaultPolicy().Default
	p.Auth = &Auth{
		Keys:    []APIKey{{Name: "ann", Roles: []string{"editor"}, Claims: map[string]any{"org": "acme"}}},
		Trusted: Trusted{Header: "X-User"},
		OIDC:    &TokenRules{Audience: "a"},
		JWT:     &JWT{TokenRules: TokenRules{Issuer: "i", Audience: "a", NameClaim: "n", RolesClaim: "r", Prefix: "p"}, Keys: []JWTKey{{Algorithm: "ES256", ID: "k", File: "f", Public: "p"}}},
	}
	p.TLS, p.Limits.Rate = &TLS{"a.pem", "b.pem"}, &Rate{time.Minute, 600}
	p.Signing.Keyring = "ring"
	p.Default.Contract.DigestField = "sha256"
	p.Default.OnStale.Overwrite = "true"
	p.Default.MayResolve = []string{"", "true"}
	p.Default.Read = []string{"true", ""}
	p.Default.Access = Access{"true", "true", "true", "true", "true", "false", "true"}
	p.Default.Schema = &Schema{File: "s.json"}
	p.Default.Merge = merge.Rules{
		Fields: []merge.Field{
			{Path: "/items", Type: merge.List, Key: "/id", OnConflict: merge.OnConflict{Rule: merge.RuleNewest, By: "/at"}},
			{Path: "/n", Type: merge.Counter, Min: "0", Max: "9", OnConflict: merge.OnConflict{Rule: merge.RuleAuthority, Authority: []string{"admin"}}},
		},
		Together: []merge.Group{{Paths: []string{"/a", "/b"}}},
	}
	p.Default.Contributions = &Contributions{DirectConfidence: "1", Rules: p.Default.Merge}
	p.Default.Indexes = []Index{{Path: "/status", Type: IndexString}}
	p.Default.Links = []Link{{Rel: "list", Path: "/v1/{collection}"}}
	text, err := p.MarshalYAML()
	if err != nil {
		t.Fatal(err)
	}
	var walk func(keys []*key)
	walk = func(keys []*key) {
		for _, k := range keys {
			if stated := bytes.Contains(text, []byte(k.name+":")); !k.later && !stated {
				t.Errorf("%s is not printed:\n%s", k.name, text)
			}
			walk(k.keys)
		}
	}
	walk(rootKey.keys)
}

func TestDefault(t *testing.T) {
	if got, want := Default(), defaultPolicy(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.yaml"), filepath.Join(dir, "bad.yaml")
	for name, text := range map[string]string{good: "store: 'memory:'", bad: "stor: x"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if p, err := Load(good); err != nil || p.Store != "memory:" {
		t.Errorf("%+v, %v", p, err)
	}
	_, err := Load(bad)
	if one, ok := errors.AsType[*Error](err); !ok || one.File != bad || one.Line != 1 || one.Column != 1 || one.Key != "stor" {
		t.Errorf("%v", err)
	}
	if _, ok := errors.AsType[Errors](err); !ok {
		t.Errorf("%T is not Errors", err)
	}
	if _, err := Load(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "policy file") {
		t.Errorf("%v", err)
	}
}

// What does not come from a file is judged like what does.
func TestChecks(t *testing.T) {
	for _, tt := range []struct {
		check     func(string) error
		good, bad string
		want      string
	}{
		{CheckListen, "127.0.0.1:0", "localhost", `"localhost" is not an address; write host:port, as in 127.0.0.1:8080`},
		{CheckStore, "sqlite:a.db", "mysql://me:secret@host", "this kind of store is not known; valid are memory:, sqlite:PATH, postgres://HOST/DATABASE and etcd://HOST,…/PREFIX"},
	} {
		if err := tt.check(tt.good); err != nil {
			t.Errorf("%s: %v", tt.good, err)
		}
		if err := tt.check(tt.bad); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.bad, err, tt.want)
		}
	}
}

func TestDuration(t *testing.T) {
	for _, tt := range []struct {
		text string
		want time.Duration
		back string
	}{
		{"90d", 90 * day, "90d"}, {"1d12h", 36 * time.Hour, "1d12h"}, {"36h", 36 * time.Hour, "1d12h"},
		{"1h30m", 90 * time.Minute, "1h30m"}, {"24h", day, "1d"}, {"10m", 10 * time.Minute, "10m"},
		{"90s", 90 * time.Second, "1m30s"}, {"1d1ns", day + 1, "1d1ns"}, {"20h", 20 * time.Hour, "20h"}, {"1h0.5s", time.Hour + time.Second/2, "1h0m0.5s"},
		{"1ms", time.Millisecond, "1ms"}, {"106751d", 106751 * day, "106751d"},
	} {
		got, bad := parseDuration(tt.text)
		if bad != "" || got != tt.want || formatDuration(got) != tt.back {
			t.Errorf("%s: %v %q, printed %s, want %v, %s", tt.text, got, bad, formatDuration(got), tt.want, tt.back)
		}
		if again, bad := parseDuration(tt.back); bad != "" || again != tt.want {
			t.Errorf("%s: %v %q", tt.back, again, bad)
		}
	}
	for _, text := range []string{"", "d", "1", "-1d", "1d-1h", "1.5d", "1w", "106752d", "106751d24h", "01d", "0d", "0s", "1d1", "1dd", "+1d"} {
		if got, bad := parseDuration(text); bad == "" {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "65536": 65536, "64KiB": 65536, "1MiB": 1 << 20, "1 MiB": 1 << 20} {
		if got, bad := parseSize(text); bad != "" || got != want {
			t.Errorf("%s: %d %q, want %d", text, got, bad, want)
		}
	}
	for _, text := range []string{"", "KiB", "1kib", "1KB", "-1KiB", "1.5MiB", "9223372036854775807KiB", "1GiB", "1  MiB", "01", "1_000"} {
		if got, bad := parseSize(text); bad == "" {
			t.Errorf("%q is %d", text, got)
		}
	}
	for n, want := range map[int64]string{0: "0", 1: "1", 1024: "1KiB", 1536: "1536", 3 << 20: "3MiB", 1<<20 + 1<<10: "1025KiB"} {
		if got := formatSize(n); got != want {
			t.Errorf("%d is printed as %s, want %s", n, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"token", "token", 0}, {"tokne", "token", 1}, {"stroe", "store", 1},
		{"lsiten", "listen", 1}, {"weka_if_mathc", "weak_if_match", 2}, {"kitten", "sitting", 3}, {"ca", "abc", 3},
	} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("%s, %s: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

// TestShownStore: whatever is printed of a store, no password is in it.
func TestShownStore(t *testing.T) {
	for name, want := range map[string]string{
		"postgres://me:se:c@ret@a:1/d?sslmode=disable":           "postgres://me:…@a:1/d?sslmode=disable",
		"postgres://a/d?user=me&password=secret&sslmode=disable": "postgres://a/d?user=me&password=…&sslmode=disable",
		"memory:":                         "memory:",
		"sqlite:a:b@c.db":                 "sqlite:a:b@c.db",
		"etcd://a,b:2379/prefix":          "etcd://a,b:2379/prefix",
		"etcd://me:se:c@ret@a,b:1/prefix": "etcd://me:…@a,b:1/prefix",
	} {
		if got := ShownStore(name); got != want {
			t.Errorf("%s is shown as %s, want %s", name, got, want)
		}
	}
	p, err := Parse("p.yaml", []byte("store: 'postgres://u:secret@h/d'"))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := p.MarshalYAML(); err != nil || strings.Contains(string(text), "secret") {
		t.Errorf("a policy is printed as %s, %v", text, err)
	}
}
