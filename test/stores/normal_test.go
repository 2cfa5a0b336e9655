package stores_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// aliases gives names to what differs from store to store and run to run: to the same
// text the same name, in the order in which they are met.
type aliases struct{ names map[string]string }

// unlike are the texts that no two runs have in common.
var unlike = []struct {
	kind string
	form *regexp.Regexp
}{
	{"time", regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)},
	{"date", regexp.MustCompile(`(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT`)},
	{"id", regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)},
	{"lease", regexp.MustCompile(`"lease":"[\w-]+"`)},
	{"cursor", regexp.MustCompile(`"next":"[\w-]+"`)},
	{"shown", regexp.MustCompile(`W/"\d+\+[\w-]+"`)}, // tags over what is shown, times included
	{"wait", regexp.MustCompile(`"retryAfterMs":\d+`)},
}

// name returns what to call a text. Times have one name: that they go on is not asked.
func (a *aliases) name(kind, text string) string {
	if kind == "time" || kind == "date" || kind == "wait" {
		return "<" + kind + ">"
	}
	if a.names[text] == "" {
		a.names[text] = fmt.Sprintf("<%s %d>", kind, len(a.names))
	}
	return a.names[text]
}

func (a *aliases) plain(text string) string {
	for _, u := range unlike {
		text = u.form.ReplaceAllStringFunc(text, func(s string) string { return a.name(u.kind, s) })
	}
	return text
}

// answer tells a response to a request of a target.
func (a *aliases) answer(target string, res *http.Response, body []byte) string {
	var b strings.Builder
	fmt.Fprintln(&b, res.StatusCode)
	for _, name := range slices.Sorted(maps.Keys(res.Header)) {
		value := strings.Join(res.Header[name], ", ")
		switch {
		case name == "Date":
			continue
		case name == "Etag" && isList(target):
			// How a list's state is numbered is the store's affair.
			value = a.name("tag", value)
		case name == "Content-Length" && a.plain(string(body)) != string(body), name == "Retry-After":
			value = "…" // as long as what differs
		}
		fmt.Fprintf(&b, "%s: %s\n", name, a.plain(value))
	}
	if isFeed(target) {
		body = byDocument(body)
	}
	fmt.Fprintf(&b, "\n%s\n", a.plain(string(body)))
	return b.String()
}

var (
	listPath = regexp.MustCompile(`^/v1/(notes|orgs/\w+/users)(\?|$)`)
	feedPath = regexp.MustCompile(`_changes(\?|$)`)
)

func isList(target string) bool { return listPath.MatchString(target) }

func isFeed(target string) bool { return feedPath.MatchString(target) }

// byDocument sorts the items of a feed by the document that they are about: only those of
// one document have an order that every store keeps.
func byDocument(body []byte) []byte {
	var page struct {
		Items []json.RawMessage `json:"items"`
		Next  string            `json:"next"`
	}
	if json.Unmarshal(body, &page) != nil || page.Items == nil {
		return body
	}
	document := func(item json.RawMessage) string {
		var of struct{ Collection, Path, ID string }
		if json.Unmarshal(item, &of) != nil {
			return ""
		}
		return of.Collection + " " + of.Path + " " + of.ID
	}
	slices.SortStableFunc(page.Items, func(x, y json.RawMessage) int { return cmp.Compare(document(x), document(y)) })
	sorted, err := json.Marshal(page)
	if err != nil {
		return body
	}
	return sorted
}
