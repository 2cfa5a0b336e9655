package protocol_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// changed is one item of a feed.
type changed struct {
	Collection, Path, ID string
	Version              int64
	ETag, Action         string
	At, By               string
	Data                 json.RawMessage
}

// line is what a test compares of a change.
func (c *changed) line() string {
	return strings.TrimSpace(fmt.Sprintf("%s %d %s %s %s", c.ID, c.Version, c.Action, c.ETag, c.Data))
}

func lines(items []changed) string {
	var b strings.Builder
	for i := range items {
		fmt.Fprintln(&b, items[i].line())
	}
	return b.String()
}

// feedPage is a page of a feed.
type feedPage struct {
	Items []changed
	Next  string
}

// changes reads one page, under a path with its query.
func (a *api) changes(path string, headers ...string) feedPage {
	a.t.Helper()
	var page feedPage
	got := a.must(http.StatusOK, "GET", path, "", headers...)
	if err := json.Unmarshal([]byte(got.body), &page); err != nil || page.Next == "" || page.Items == nil {
		a.t.Fatalf("%s: %v: %s", path, err, got.body)
	}
	a.header(got, "Cache-Control", "no-store")
	return page
}

// allChanges reads a feed to its end.
func (a *api) allChanges(path, since string) (items []changed, next string) {
	a.t.Helper()
	for next = since; ; {
		query := "?limit=3"
		if next != "" {
			query += "&since=" + url.QueryEscape(next)
		}
		page := a.changes(path + query)
		if items, next = append(items, page.Items...), page.Next; len(page.Items) == 0 {
			return items, next
		}
	}
}

// event is one server-sent event, or a comment alone.
type event struct {
	id, name, data, comment string
}

// events is a stream that is being read.
type events struct {
	header http.Header
	lines  *bufio.Reader
	body   io.Closer
	last   string // the last id
}

// follow opens a stream. A status other than 200 is an error.
func follow(ctx context.Context, address string, headers ...string) (*events, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		return nil, errors.Join(fmt.Errorf("%s: %s", res.Status, body), err)
	}
	return &events{header: res.Header, lines: bufio.NewReader(res.Body), body: res.Body}, nil
}

// next returns the next event, as the HTML standard reads it.
func (e *events) next() (event, error) {
	var ev event
	for {
		line, err := e.lines.ReadString('\n')
		if err != nil {
			return ev, err
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			ev.id = value
		case "event":
			ev.name = value
		case "data":
			ev.data += value
		case "":
			if line != "\n" {
				ev.comment += line
				continue
			}
			if ev.id != "" {
				e.last = ev.id
			}
			return ev, nil
		case "retry":
		default:
			return ev, fmt.Errorf("the line %q is of no event", line)
		}
	}
}

// change returns the next change, over comments and retry lines.
func (e *events) change() (changed, error) {
	for {
		ev, err := e.next()
		if err != nil {
			return changed{}, err
		}
		if ev.data == "" {
			continue
		}
		var c changed
		err = json.Unmarshal([]byte(ev.data), &c)
		if err == nil && (ev.name != "change" || ev.id == "") {
			err = fmt.Errorf("an event without name or id: %+v", ev)
		}
		return c, err
	}
}
