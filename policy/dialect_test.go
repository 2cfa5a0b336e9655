package policy

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
)

func TestDialect(t *testing.T) {
	versionBody := ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionAlways, VersionField: "version", StaleStatus: 409, Envelope: true}
	with := func(change func(*ifmatch.Dialect)) ifmatch.Dialect {
		d := versionBody
		change(&d)
		return d
	}
	for _, tt := range []struct {
		contract string
		want     ifmatch.Dialect
	}{
		{"preset: rfc9110", ifmatch.Dialect{VersionField: "version", StaleStatus: 412}},
		{"preset: version-body", versionBody},
		{"preset: version-body, stale_status: 412", with(func(d *ifmatch.Dialect) { d.StaleStatus = 412 })},
		{"preset: version-body, errors: problem", with(func(d *ifmatch.Dialect) { d.Envelope = false })},
		{"preset: version-body, body_version: include", with(func(d *ifmatch.Dialect) { d.BodyVersion = ifmatch.BodyVersionInclude })},
		{"preset: version-body, body_version: none", with(func(d *ifmatch.Dialect) { d.BodyVersion = ifmatch.BodyVersionNone })},
		{"stale_status: 409, errors: envelope, body_version: always", versionBody},
		{"preset: version-body, version_field: /metadata/resourceVersion, version_as: string", with(func(d *ifmatch.Dialect) {
			d.VersionField, d.VersionAsString = "/metadata/resourceVersion", true
		})},
		{"preset: version-body, version_field: rev, version_as: number, digest_field: sha256", with(func(d *ifmatch.Dialect) {
			d.VersionField, d.DigestField = "rev", "sha256"
		})},
		{"preset: version-body, version_field: /metadata/version, digest_field: /metadata/sha256", with(func(d *ifmatch.Dialect) {
			d.VersionField, d.DigestField = "/metadata/version", "/metadata/sha256"
		})},
		{"preset: version-body, digest_field: versions", with(func(d *ifmatch.Dialect) { d.DigestField = "versions" })},
		{"digest_field: version", ifmatch.Dialect{VersionField: "version", StaleStatus: 412, DigestField: "version"}}, // no version is shown
	} {
		t.Run(tt.contract, func(t *testing.T) {
			p, err := Parse("p.yaml", []byte("collections: [{name: notes, contract: {"+tt.contract+"}}]"))
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Collections[0].Contract.Dialect; got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			var printed bytes.Buffer
			if err := p.Print(&printed); err != nil {
				t.Fatal(err)
			}
			again, err := Parse("printed", printed.Bytes())
			if err != nil || !reflect.DeepEqual(again, p) {
				t.Errorf("what is printed reads as %+v, %v:\n%s", again, err, printed.String())
			}
		})
	}
}

func TestDialectErrors(t *testing.T) {
	const pointer = " is not a JSON Pointer to a member; it begins with /, as in /email, and holds ~ as ~0 and / as ~1"
	for _, tt := range []struct{ contract, want string }{
		{"preset: versionbody", `1:48: collections[0].contract.preset: "versionbody" is not known here, did you mean version-body?; valid are rfc9110, version-body`},
		{"stale_status: 428", `1:54: collections[0].contract.stale_status: "428" is not known here; valid are 412, 409`},
		{"errors: problems", `1:48: collections[0].contract.errors: "problems" is not known here, did you mean problem?; valid are problem, envelope`},
		{"body_version: yes", `1:54: collections[0].contract.body_version: "yes" is not known here; valid are none, include, always`},
		{"version_as: text", `1:52: collections[0].contract.version_as: "text" is not known here; valid are number, string`},
		{"version_field: /a~b", `1:55: collections[0].contract.version_field: "/a~b"` + pointer},
		{"version_field: ''", `1:55: collections[0].contract.version_field: must not be empty`},
		{"digest_field: 5", `1:54: collections[0].contract.digest_field: must be a text; write "5" in quotes`},
		{"digest_field: /~", `1:54: collections[0].contract.digest_field: "/~"` + pointer},
		{"body_version: include, digest_field: version", `1:77: collections[0].contract.digest_field: cannot stand where version_field does, version, nor within it or around it`},
		{"preset: version-body, version_field: /a/b, digest_field: a", `1:97: collections[0].contract.digest_field: cannot stand where version_field does, /a/b, nor within it or around it`},
		{"preset: version-body, version_field: a, digest_field: /a/b", `1:94: collections[0].contract.digest_field: cannot stand where version_field does, a, nor within it or around it`},
	} {
		_, err := Parse("p.yaml", []byte("collections: [{name: notes, contract: {"+tt.contract+"}}]"))
		if err == nil || strings.TrimPrefix(err.Error(), "p.yaml:") != tt.want {
			t.Errorf("%s: %v\nwant %s", tt.contract, err, tt.want)
		}
	}
}
