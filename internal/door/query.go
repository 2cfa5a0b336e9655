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
	Inclusion
}

// Inclusion is what a body is to show beside what it always does, where the
// contract has it.
type Inclusion struct {
	Version, Links, Meta, Provenance bool
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
	if q.Inclusion, bad = included(values["include"]); bad != nil {
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

// The words that ?include= takes. A digest is in every body of a contract that has one.
const (
	includeVersion    = "version"
	includeDigest     = "sha256"
	includeLinks      = "links"
	includeMeta       = "meta"
	includeProvenance = "provenance"
)

// Included are the words that ?include= takes.
var Included = []string{includeVersion, includeDigest, includeLinks, includeMeta, includeProvenance}

// included reads what a body is to include.
func included(values []string) (in Inclusion, bad *queryError) {
	for _, value := range values {
		for word := range strings.SplitSeq(value, ",") {
			switch word {
			case includeVersion:
				in.Version = true
			case includeLinks:
				in.Links = true
			case includeMeta:
				in.Meta = true
			case includeProvenance:
				in.Provenance = true
			case includeDigest:
			default:
				return in, &queryError{"include takes " + join(Included) + ", and not " + quote(word) + "."}
			}
		}
	}
	return in, nil
}

// Asked returns what the body of a read is to include, or in bad what is wrong
// with its query.
func Asked(r *http.Request) (in Inclusion, bad string) {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return in, err.detail
	}
	return q.Inclusion, ""
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
