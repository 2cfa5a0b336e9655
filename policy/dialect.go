package policy

import (
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/ifmatch/ifmatch"
)

// The words of a dialect's keys.
const (
	errorsProblem   = "problem"
	errorsEnvelope  = "envelope"
	versionAsNumber = "number"
	versionAsString = "string"
)

var dialectKeys = []*key{
	{name: "stale_status", kind: kindWord, defDoc: "`412`; `409` by `version-body`", words: []word{
		{name: "412", doc: "Precondition Failed"}, {name: "409", doc: "Conflict"},
	}, doc: "The status of a write whose `If-Match`, `If-Unmodified-Since` or body version is false. A false `If-None-Match`, and any false precondition of a read, is 412 always."},
	{name: "errors", kind: kindWord, defDoc: "`problem`; `envelope` by `version-body`", words: []word{
		{name: errorsProblem, doc: "`application/problem+json`, RFC 9457"},
		{name: errorsEnvelope, doc: "`{\"error\":{\"code\",\"message\",\"correlationId\",…}}`, with the members of the problem; a stale write is `CONFLICT`"},
	}, doc: "The form of refusals."},
	{name: "body_version", kind: kindWord, defDoc: "`none`; `always` by `version-body`", words: []word{
		{name: ifmatch.BodyVersionNone.String(), doc: "never"},
		{name: ifmatch.BodyVersionInclude.String(), doc: "to whom asks with `?include=version`"},
		{name: ifmatch.BodyVersionAlways.String(), doc: "in every body; the version in a PUT or a merge patch is a precondition, as its entity tag in `If-Match` would be"},
	}, doc: "Whether bodies show the version. It is not stored: where it comes back in content, it is taken out first."},
	{name: "version_field", kind: kindText, def: "version", check: checkMemberField, doc: "Where the version stands in bodies: the name of a member, or a JSON Pointer to one, as in `/metadata/resourceVersion`."},
	{name: "version_as", kind: kindWord, def: versionAsNumber, words: []word{
		{name: versionAsNumber, doc: "`5`"}, {name: versionAsString, doc: "`\"5\"`"},
	}, doc: "How the version is written in bodies."},
	{name: "digest_field", kind: kindText, optional: true, defDoc: "none", check: checkMemberField, doc: "Where every body shows the lower-case hexadecimal SHA-256 of the document's canonical form (RFC 8785): a name or a JSON Pointer. It is not stored either."},
}

// checkMemberField judges the place of a member that a contract adds to bodies.
func checkMemberField(s string) fault {
	if strings.HasPrefix(s, "/") {
		return checkPointer(s)
	}
	return ""
}

// presets are the dialects that other keys' defaults come from.
var presets = map[Preset]ifmatch.Dialect{
	PresetRFC9110:     {StaleStatus: 412},
	PresetVersionBody: {StaleStatus: 409, Envelope: true, BodyVersion: ifmatch.BodyVersionAlways},
}

// dialect reads a contract's keys over the defaults of its preset.
func (d *decoder) dialect(v *value, preset Preset) ifmatch.Dialect {
	dialect := presets[preset]
	if status := v.get("stale_status"); status.set {
		dialect.StaleStatus, _ = strconv.Atoi(status.text) // what is no number was reported
	}
	if form := v.get("errors"); form.set {
		dialect.Envelope = form.text == errorsEnvelope
	}
	if shown := v.get("body_version"); shown.set {
		dialect.BodyVersion = ifmatch.BodyVersionNone
		for _, b := range []ifmatch.BodyVersion{ifmatch.BodyVersionInclude, ifmatch.BodyVersionAlways} {
			if shown.text == b.String() {
				dialect.BodyVersion = b
			}
		}
	}
	dialect.VersionField = v.get("version_field").text
	dialect.VersionAsString = v.get("version_as").text == versionAsString
	digest := v.get("digest_field")
	dialect.DigestField = digest.text
	if dialect.BodyVersion != ifmatch.BodyVersionNone && digest.text != "" && within(digest.text, dialect.VersionField) {
		d.fail(digest.at, digest.path, fault("cannot stand where version_field does, "+dialect.VersionField+", nor within it or around it"))
	}
	return dialect
}

// within tells whether one of two members of bodies is the other, or lies in it.
func within(a, b string) bool {
	a, b = asPointer(a)+"/", asPointer(b)+"/"
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}

func asPointer(field string) string {
	if strings.HasPrefix(field, "/") {
		return field
	}
	return "/" + strings.ReplaceAll(strings.ReplaceAll(field, "~", "~0"), "/", "~1")
}

// dialectMembers prints what dialect reads.
func dialectMembers(d *ifmatch.Dialect) yaml.MapSlice {
	form, as := errorsProblem, versionAsNumber
	if d.Envelope {
		form = errorsEnvelope
	}
	if d.VersionAsString {
		as = versionAsString
	}
	members := yaml.MapSlice{
		{Key: "stale_status", Value: d.StaleStatus},
		{Key: "errors", Value: form},
		{Key: "body_version", Value: d.BodyVersion.String()},
		{Key: "version_field", Value: d.VersionField},
		{Key: "version_as", Value: as},
	}
	if d.DigestField != "" {
		members = append(members, yaml.MapItem{Key: "digest_field", Value: d.DigestField})
	}
	return members
}
