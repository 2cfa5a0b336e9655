package door

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/ifmatch/ifmatch/problem"
)

// query is what the query of an item may ask for.
type query struct {
	dryRun  bool
	version bool // the body is to show the version, where the contract lets it
}

// known are the query parameters of an item, now and later. Any other name is
// ignored, unless it looks like one of these misspelt: a misspelt dry run must
// not write.
var known = []string{"dryRun", "include", "pointer", "from", "to", "limit", "cursor", "fields", "sort", "since"}

// queryError says what is wrong with a query.
type queryError struct{ detail string }

func (e *queryError) problem(r *http.Request, t Target) *problem.Document {
	return malformed(r, t, e.detail)
}

func parseQuery(raw string) (query, *queryError) {
	if raw == "" {
		return query{}, nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return query{}, &queryError{"The query cannot be read. Escape its values as in a form."}
	}
	bad := misspelt(values)
	if bad != nil {
		return query{}, bad
	}
	var q query
	if q.version, bad = included(values["include"]); bad != nil {
		return query{}, bad
	}
	dry, there := values["dryRun"]
	switch {
	case !there:
		return q, nil
	case len(dry) == 1 && (dry[0] == "true" || dry[0] == "false"):
		q.dryRun = dry[0] == "true"
		return q, nil
	}
	return query{}, &queryError{"dryRun is given once, as true or as false."}
}

// included reads what a body is to include, and tells whether the version is in
// it. A digest is in every body of a contract that has one.
func included(values []string) (version bool, bad *queryError) {
	for _, value := range values {
		for word := range strings.SplitSeq(value, ",") {
			switch word {
			case "version":
				version = true
			case "sha256":
			default:
				return false, &queryError{"include takes version and sha256, and not " + quote(word) + "."}
			}
		}
	}
	return version, nil
}

// IncludesVersion tells whether a read asks for the version in the body, or in
// bad what is wrong with its query.
func IncludesVersion(r *http.Request) (version bool, bad string) {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return false, err.detail
	}
	return q.version, ""
}

// misspelt finds a name that differs from a known one only in case or
// punctuation.
func misspelt(values url.Values) *queryError {
	for name := range values {
		folded := fold(name)
		for _, k := range known {
			if name != k && folded == fold(k) {
				return &queryError{"There is no query parameter " + quote(name) + ". It is spelt " + k + "."}
			}
		}
	}
	return nil
}

func fold(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + ('a' - 'A')
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, name)
}
