package door

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/ifmatch/ifmatch/problem"
)

// query is what the query of an item may ask for.
type query struct {
	dryRun bool
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

func checkQuery(raw string) *queryError {
	_, err := parseQuery(raw)
	return err
}

func parseQuery(raw string) (query, *queryError) {
	if raw == "" {
		return query{}, nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return query{}, &queryError{"The query cannot be read. Escape its values as in a form."}
	}
	if bad := misspelt(values); bad != nil {
		return query{}, bad
	}
	dry, there := values["dryRun"]
	switch {
	case !there:
		return query{}, nil
	case len(dry) == 1 && dry[0] == "true":
		return query{dryRun: true}, nil
	case len(dry) == 1 && dry[0] == "false":
		return query{}, nil
	}
	return query{}, &queryError{"dryRun is given once, as true or as false."}
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
