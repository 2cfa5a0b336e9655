package httpapi

import (
	"net/url"
	"slices"
	"strconv"
)

// paging is what every paged resource may be asked.
type paging struct {
	limit  int
	cursor string
}

const (
	defaultPage    = 100
	defaultMaxPage = 1000
	badCursor      = "This cursor is not one of this list. Take it from next of the page before, or leave it out to start."
	badQuery       = "The query cannot be read. Escape its values as in a form."
)

// parsePage reads limit and cursor. Anything else is refused, so that a ?page=2
// is never answered with the first page.
func (s *Server) parsePage(raw string) (q paging, bad string) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, badQuery
	}
	for _, name := range namesOf(values) {
		if name != "limit" && name != "cursor" {
			return q, "There is no query parameter " + strconv.Quote(shorten(name)) + " here. Use limit and cursor."
		}
	}
	return s.paging(values)
}

// namesOf returns the parameters of a query, in an order that is always the same.
func namesOf(values url.Values) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// paging reads limit and cursor among other parameters. Each parameter, whichever
// it is, stands once.
func (s *Server) paging(values url.Values) (q paging, bad string) {
	for _, name := range namesOf(values) {
		if len(values[name]) > 1 {
			return q, shorten(name) + " is given once."
		}
	}
	q.limit = min(defaultPage, s.maxPage)
	q.cursor = values.Get("cursor")
	if values.Has("cursor") && q.cursor == "" {
		return q, badCursor
	}
	if limit, there := values["limit"]; there {
		n, ok := parseVersion(limit[0])
		if !ok || n > int64(s.maxPage) {
			return q, "limit is a number from 1 to " + strconv.Itoa(s.maxPage) + "."
		}
		q.limit = int(n)
	}
	return q, ""
}

// pageBody is a page as it is written: an object of items, and the cursor of the next
// page.
type pageBody []byte

const pageStart = `{"items":[`

func newPage() pageBody { return pageBody(pageStart) }

// item returns the page up to where one more item is to be appended.
func (p pageBody) item() []byte {
	if len(p) > len(pageStart) {
		p = append(p, ',')
	}
	return p
}

// end returns the page without more items, with the cursor of the next one: "" on the
// last.
func (p pageBody) end(next string) []byte {
	p = append(p, ']')
	if next != "" {
		p = append(append(append(p, `,"next":"`...), next...), '"')
	}
	return append(p, '}')
}
