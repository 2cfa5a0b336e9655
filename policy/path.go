package policy

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch"
)

// ID says how the documents of a collection come by their ids.
type ID struct {
	// Param names the id in paths, as in /v1/orgs/{orgId}; "id" by default.
	Param string
	// Generate is how a POST makes an id that no natural key gives.
	Generate Generator
	// NaturalKey holds the JSON Pointers (RFC 6901) of the members that are unique
	// within a part and that a POST makes the id of; nil for none.
	NaturalKey []string
}

// Generator names a way to make ids.
type Generator string

// UUIDv7 makes ids of RFC 9562 §5.7, which order by the time they were made.
const UUIDv7 Generator = "uuidv7"

// defaultParam is what an id is called where the file does not say.
const defaultParam = "id"

const paramForm = "[A-Za-z][A-Za-z0-9_]{0,63}"

var validParam = regexp.MustCompile("^" + paramForm + "$")

func checkParam(s string) fault {
	if !validParam.MatchString(s) {
		return fault(strconv.Quote(s) + " is not the name of a parameter; it matches " + paramForm)
	}
	return ""
}

// parameter returns the name in a segment such as {orgId}.
func parameter(segment string) (name string, ok bool) {
	name, ok = strings.CutPrefix(segment, "{")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(name, "}")
}

// reservedPaths are served beside the API.
var reservedPaths = []string{"/healthz", "/readyz", "/metrics", "/openapi.json"}

func checkPath(s string) fault {
	segments, ok := strings.CutPrefix(s, "/")
	if !ok || segments == "" {
		return fault(strconv.Quote(s) + " is not a path of a collection; it begins with / and has at least one segment, as in /v1/notes")
	}
	if slices.Contains(reservedPaths, s) {
		return fault(s + " is reserved; choose another path")
	}
	var params []string
	last := ""
	for last = range strings.SplitSeq(segments, "/") {
		name, isParam := parameter(last)
		switch {
		case isParam && !validParam.MatchString(name):
			return fault("segment " + strconv.Quote(last) + " is not valid; the name of a parameter matches " + paramForm)
		case isParam && slices.Contains(params, name):
			return fault("{" + name + "} stands twice; give each parameter a name of its own")
		case isParam:
			params = append(params, name)
		case strings.HasPrefix(last, "_"):
			return fault("segments that begin with _ are reserved, as " + last + " is; choose another one")
		case !ifmatch.ValidName(last):
			return fault("segment " + strconv.Quote(last) + " is not valid; each segment matches " + ifmatch.NameForm + ", or is a {parameter}")
		}
	}
	if _, isParam := parameter(last); isParam {
		return fault("ends with the parameter " + last + "; a path ends with a word, and id: {param: …} names what follows it")
	}
	return ""
}

// checkPointer wants a JSON Pointer (RFC 6901 §3) to a member.
func checkPointer(s string) fault {
	const form = "is not a JSON Pointer to a member; it begins with /, as in /email, and holds ~ as ~0 and / as ~1"
	if !strings.HasPrefix(s, "/") {
		return fault(strconv.Quote(s) + " " + form)
	}
	for i := range len(s) {
		if s[i] == '~' && (i+1 == len(s) || s[i+1] != '0' && s[i+1] != '1') {
			return fault(strconv.Quote(s) + " " + form)
		}
	}
	return ""
}

// id returns what a collection says about ids.
func (d *decoder) id(v *value, singleton bool, path string) ID {
	if singleton {
		if v.set {
			d.fail(v.at, v.path, "a singleton has no id; remove id or singleton")
		}
		return ID{}
	}
	param := v.get("param")
	id := ID{Param: param.text, Generate: Generator(v.get("generate").text)}
	for segment := range strings.SplitSeq(path, "/") {
		if name, ok := parameter(segment); ok && name == id.Param {
			d.fail(param.at, param.path, fault("{"+name+"} stands in the path already; give the id another name"))
		}
	}
	for _, pointer := range v.get("natural_key").list {
		if slices.Contains(id.NaturalKey, pointer.text) {
			d.fail(pointer.at, pointer.path, fault(pointer.text+" stands twice"))
			continue
		}
		id.NaturalKey = append(id.NaturalKey, pointer.text)
	}
	return id
}

// keyOfTheWriter refuses a natural key, or an index, of what the contract adds to
// bodies: that is never stored, so that every document would lack it.
func (d *decoder) keyOfTheWriter(pointers []*value, added []string) {
	for _, pointer := range pointers {
		for _, field := range added {
			if within(pointer.text, field) {
				d.fail(pointer.at, pointer.path, fault(pointer.text+" is a member that the contract adds, or lies around it; choose one that writers send"))
			}
		}
	}
}

// Example returns the path of a document of the collection: each parameter and
// the id are 1.
func (c *Collection) Example() string {
	segments := strings.Split(c.Path, "/")
	for i, segment := range segments {
		if _, ok := parameter(segment); ok {
			segments[i] = "1"
		}
	}
	if !c.Singleton {
		segments = append(segments, "1")
	}
	return strings.Join(segments, "/")
}
