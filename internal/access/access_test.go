package access_test

import (
	"crypto/sha256"
	"net/netip"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/access"
)

func TestNewKey(t *testing.T) {
	// RFC 6750 §2.1, without what a shell or a URL would read.
	form := regexp.MustCompile(`^ifm_[A-Z2-7]{26,}$`) // 26 letters of 5 bits
	seen := map[string]bool{}
	for range 100 {
		key, digest := access.NewKey()
		if !form.MatchString(key) || seen[key] || digest != sha256.Sum256([]byte(key)) {
			t.Fatalf("%q, %x", key, digest)
		}
		seen[key] = true
	}
}

func TestFind(t *testing.T) {
	key, digest := access.NewKey()
	other, _ := access.NewKey()
	short, long := strings.Repeat("x", 21), strings.Repeat("x", 257)
	edge, top := strings.Repeat("x", 22), strings.Repeat("x", 256)
	of := func(name string, digest access.Digest) access.Key {
		return access.Key{Principal: access.Principal{Name: name, Roles: []string{"r"}, Claims: map[string]any{"c": true}}, Digest: digest}
	}
	keys, err := access.NewKeys([]access.Key{
		of("ann", digest), of("short", sha256.Sum256([]byte(short))), of("long", sha256.Sum256([]byte(long))),
		of("edge", sha256.Sum256([]byte(edge))), of("top", sha256.Sum256([]byte(top))), of("empty", sha256.Sum256(nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	for sent, want := range map[string]string{
		key: "ann", edge: "edge", top: "top",
		other: "", short: "", long: "", "": "", key + " ": "", key[1:]: "", strings.ToLower(key): "", string(digest[:]): "",
	} {
		p := keys.Find(sent)
		if (p == nil) != (want == "") || p != nil && !reflect.DeepEqual(*p, of(want, digest).Principal) {
			t.Errorf("%q is %+v, want %q", sent, p, want)
		}
	}
	none, err := access.NewKeys(nil)
	if err != nil || none.Find(key) != nil {
		t.Errorf("without keys: %v, %v", none.Find(key), err)
	}
	if _, err := access.NewKeys([]access.Key{of("ann", digest), of("bob", digest)}); err == nil || !strings.Contains(err.Error(), `"ann" and "bob"`) {
		t.Errorf("one key of two principals: %v", err)
	}
}

func TestTrusts(t *testing.T) {
	u := &access.Upstream{From: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fe80::1/128")}}
	for peer, want := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "fe80::1": true, "fe80::1%eth0": true,
		"11.1.2.3": false, "127.0.0.1": false, "::1": false, "fe80::2": false, "::10.1.2.3": false,
	} {
		if got := u.Trusts(netip.MustParseAddr(peer)); got != want {
			t.Errorf("%s is believed: %t", peer, got)
		}
	}
	if u.Trusts(netip.Addr{}) || new(access.Upstream).Trusts(netip.MustParseAddr("127.0.0.1")) {
		t.Error("nobody is believed, or believes")
	}
}

func TestUpstreamPrincipal(t *testing.T) {
	u := new(access.Upstream)
	for _, name := range []string{"ann", "ann@example.com", "Änn von B", strings.Repeat("x", 256)} {
		if p := u.Principal([]string{name}); p == nil || p.Name != name || p.Roles != nil || p.Claims != nil {
			t.Errorf("%q is %+v", name, p)
		}
	}
	for _, values := range [][]string{
		nil, {}, {""}, {" "}, {" ann"}, {"ann "}, {"ann", "ann"}, {"ann", ""}, {"a\x00"}, {"a\nb"}, {"a\x7f"}, {"\xff"}, {"a\u202eb"}, {"a\u00a0b"}, {strings.Repeat("x", 257)},
	} {
		if p := u.Principal(values); p != nil {
			t.Errorf("%q is %+v", values, p)
		}
	}
}
