package engine_test

import (
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
)

// TestNewMembers: no two of a contract's members stand in one place.
func TestNewMembers(t *testing.T) {
	both := engine.Added{Links: 10, Meta: true}
	for _, tt := range []struct {
		name    string
		dialect ifmatch.Dialect
		added   engine.Added
		want    string // of the error
		none    bool   // nothing is added
	}{
		{"nothing", ifmatch.Dialect{VersionField: "_meta"}, engine.Added{}, "", true},
		{"all", ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionAlways, DigestField: "sha256"}, both, "", false},
		{"beside each other", ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionAlways, VersionField: "/m/v", DigestField: "/m/d"}, engine.Added{}, "", false},
		{"no pointer", ifmatch.Dialect{DigestField: "/~"}, engine.Added{}, `engine: a contract's member: jsonvalue: "/~" is not a JSON Pointer`, false},
		{"one within the other", ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionAlways, VersionField: "/m/v", DigestField: "m"}, engine.Added{},
			`engine: what a contract adds to bodies cannot stand at "/m/v" and at "/m"`, false},
		{"version in _meta", ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionAlways, VersionField: "/_meta/version"}, both,
			`engine: what a contract adds to bodies cannot stand at "/_meta/version" and at "/_meta"`, false},
		{"digest for _links", ifmatch.Dialect{DigestField: "_links"}, both, `engine: what a contract adds to bodies cannot stand at "/_links" and at "/_links"`, false},
		{"_links where there are none", ifmatch.Dialect{DigestField: "_links"}, engine.Added{Meta: true}, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := engine.NewMembers(tt.dialect, tt.added)
			if tt.want == "" && (err != nil || (m == nil) != tt.none) {
				t.Errorf("%+v, %v", m, err)
			}
			if tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want)) {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}
