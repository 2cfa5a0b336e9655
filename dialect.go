package ifmatch

import "fmt"

// BodyVersion says when a document's body shows its version.
type BodyVersion uint8

// The rules for versions in bodies.
const (
	// BodyVersionNone keeps versions out of bodies.
	BodyVersionNone BodyVersion = iota
	// BodyVersionInclude shows the version to whom asks with ?include=version.
	BodyVersionInclude
	// BodyVersionAlways shows it in every body, and takes the one in the content
	// of a PUT or a merge patch for a precondition.
	BodyVersionAlways
)

// String returns the policy file's word for the rule.
func (b BodyVersion) String() string {
	switch b {
	case BodyVersionNone:
		return "none"
	case BodyVersionInclude:
		return "include"
	case BodyVersionAlways:
		return "always"
	}
	return fmt.Sprintf("BodyVersion(%d)", uint8(b))
}

// Dialect is how a contract words what it has to say: the members that it adds
// to bodies, and the form of its refusals. The zero value adds none and refuses
// with 412 and problem documents.
type Dialect struct {
	BodyVersion BodyVersion
	// VersionField is where the version stands: the name of a member, or a JSON
	// Pointer (RFC 6901) to one, which begins with "/". "" is "version".
	VersionField string
	// VersionAsString writes and reads the number as a string.
	VersionAsString bool
	// DigestField is where every body shows the lower-case hex SHA-256 of the
	// document's canonical form: a name or a JSON Pointer. "" is nowhere.
	DigestField string
	// StaleStatus is the HTTP status of a write whose If-Match,
	// If-Unmodified-Since or body version is false; 0 is 412.
	StaleStatus int
	// Envelope words refusals as {"error":{"code","message","correlationId",…}}.
	Envelope bool
}
