package door

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
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
		for name, value := range dictionary([]string{line}) {
			if strings.Contains(name, ",") || strings.Contains(value, ";") {
				t.Errorf("%q holds %q=%q", line, name, value)
			}
			if b, ok := byteSequence(value); ok && len(b) > len(value) {
				t.Errorf("%q is %d bytes", value, len(b))
			}
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
