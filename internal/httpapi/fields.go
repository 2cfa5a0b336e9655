package httpapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/problem"
)

// fieldsName is the reserved name of the values of a document, each below it.
const fieldsName = "_fields"

// field serves one value of a document.
func (s *Server) field(w http.ResponseWriter, r *http.Request, t door.Target, to *route) {
	at, code, detail := fieldAt(to.field, r.URL.RawQuery)
	if detail != "" {
		s.door.Problem(w, r, &problem.Document{Code: code, Detail: detail, Resource: t.Path, Action: r.Method})
		return
	}
	s.door.ServeField(w, r, t, at)
}

const badPointer = "A JSON Pointer begins with a slash, is valid UTF-8, and has ~0 for ~ and ~1 for / within a name, such as /a/b."

// fieldAt reads which value of a document a request is about: from the path, in which
// each segment is a token of a JSON Pointer, or from ?pointer=, which can say
// everything. It returns what is wrong in detail, "" for nothing.
func fieldAt(escaped, rawQuery string) (at jsonvalue.Pointer, code problem.Code, detail string) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, problem.Malformed, badQuery
	}
	given := query["pointer"]
	text := ""
	switch {
	case len(given) > 1 || len(given) == 1 && escaped != "":
		return nil, problem.Malformed, "Name the field once, in the path or as pointer."
	case len(given) == 1:
		text = given[0]
	default:
		if text, code, detail = fieldInPath(escaped); detail != "" {
			return nil, code, detail
		}
	}
	if text == "" {
		return nil, problem.Malformed, "Name a field, as in _fields/title or _fields?pointer=/title. The whole document is at its own path."
	}
	if at, err = jsonvalue.ParsePointer(text); err != nil {
		return nil, problem.Malformed, badPointer
	}
	return at, "", ""
}

// fieldInPath returns the pointer that a path spells, unescaped. What others on the way
// may read in another way, or remove, can only stand in the query.
func fieldInPath(escaped string) (text string, code problem.Code, detail string) {
	if escaped == "" {
		return "", "", ""
	}
	for segment := range strings.SplitSeq(escaped[1:], "/") {
		token, err := url.PathUnescape(segment)
		switch {
		case err != nil:
			return "", problem.Malformed, "The path cannot be read. Escape its bytes as in %25."
		case token == "" || token == "." || token == "..":
			return "", problem.NotFound, "A member whose name is empty, . or .. cannot stand in a path. Use _fields?pointer= with a JSON Pointer."
		case strings.Contains(token, "/"):
			return "", problem.Malformed, "Write a / within a name as ~1: an escaped one is read in different ways."
		}
		text += "/" + token
	}
	return text, "", ""
}
