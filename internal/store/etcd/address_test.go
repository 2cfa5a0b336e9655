package etcd

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for address, want := range map[string]Address{
		"etcd://a/p":                         {Endpoints: []string{"a:2379"}, Prefix: "p"},
		"etcd://a,b:1,[::1]:2,[::1]/p/q/":    {Endpoints: []string{"a:2379", "b:1", "[::1]:2", "[::1]:2379"}, Prefix: "p/q"},
		"etcd://a/p?ca=/x/ca.pem":            {Endpoints: []string{"a:2379"}, Prefix: "p", CA: "/x/ca.pem"},
		"etcd://a/p?ca=x&cert=y&key=z":       {Endpoints: []string{"a:2379"}, Prefix: "p", CA: "x", Cert: "y", Key: "z"},
		"etcd://me:se%40cret@a,b/ifmatch/eu": {Endpoints: []string{"a:2379", "b:2379"}, Prefix: "ifmatch/eu"},
	} {
		got, err := Parse(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if !slices.Equal(got.Endpoints, want.Endpoints) || got.Prefix != want.Prefix || got.CA != want.CA || got.Cert != want.Cert || got.Key != want.Key {
			t.Errorf("%s: %+v, want %+v", address, got, want)
		}
	}
	a, err := Parse("etcd://me:se%40cret@a/p")
	if err != nil {
		t.Fatal(err)
	}
	if secret, _ := a.User.Password(); a.User.Username() != "me" || secret != "se@cret" {
		t.Errorf("the user is %s", a.User)
	}
}

func TestParseRefuses(t *testing.T) {
	for address, says := range map[string]string{
		"postgres://a/p":          "etcd://host1,host2,host3/prefix",
		"etcd://a":                "names no prefix",
		"etcd://a/":               "names no prefix",
		"etcd:///p":               "a host of the address is empty",
		"etcd://a,,b/p":           "a host of the address is empty",
		"etcd://a/p?tls=1":        `no option "tls"`,
		"etcd://a/p?cert=x":       "go together",
		"etcd://a/p?cert=x&key=y": "with ca",
		"etcd://me:%zz@a/p":       "write special characters as %XX",
	} {
		if a, err := Parse(address); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "zz@") {
			t.Errorf("%s: %+v, %v, want %q", address, a, err, says)
		}
	}
}
