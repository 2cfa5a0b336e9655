package stores_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
)

// request is one of a script.
type request struct {
	line                 int
	method, target, body string
	header               http.Header
}

// readScript reads requests in the form of .http files, which editors can send too.
func readScript(t *testing.T, name string) []request {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []request
	var now *request
	inBody := false
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "#"):
			now, inBody = nil, false
		case now == nil && line == "":
		case now == nil:
			method, target, ok := strings.Cut(line, " ")
			if !ok {
				t.Fatalf("%s:%d: %q is no request", name, n, line)
			}
			all = append(all, request{line: n, method: method, target: target, header: make(http.Header)})
			now = &all[len(all)-1]
		case inBody:
			now.body = strings.TrimSpace(now.body + "\n" + line)
		case line == "":
			inBody = true
		default:
			field, value, ok := strings.Cut(line, ": ")
			if !ok {
				t.Fatalf("%s:%d: %q is no header field", name, n, line)
			}
			now.header.Add(field, value)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// teller sends the requests of a script to one server and tells what was answered.
type teller struct {
	url  string
	said map[string]string // the newest of each, by the name that scripts call it
	seen *aliases
}

// tell returns the answer to a request, in words that are the same for every store.
func (s *teller) tell(q request) (string, error) {
	fill := func(text string) string {
		for name, value := range s.said {
			text = strings.ReplaceAll(text, "{{"+name+"}}", value)
		}
		return text
	}
	target := fill(q.target)
	r, err := http.NewRequest(q.method, s.url+target, strings.NewReader(fill(q.body)))
	if err != nil {
		return "", err
	}
	switch q.method {
	case http.MethodPut, http.MethodPost:
		r.Header.Set("Content-Type", "application/json")
	case http.MethodPatch:
		r.Header.Set("Content-Type", "application/merge-patch+json")
	}
	for name, values := range q.header {
		r.Header[name] = nil
		for _, value := range values {
			r.Header.Add(name, fill(value))
		}
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	s.hear(res.Header, body)
	return fmt.Sprintf("%s %s\n%s", q.method, q.target, s.seen.answer(target, res, body)), nil
}

// hear notes what later requests may refer to.
func (s *teller) hear(h http.Header, body []byte) {
	for name, field := range map[string]string{"Location": "Location", "ETag": "Etag"} {
		if value := h.Get(field); value != "" {
			s.said[name] = value
		}
	}
	var members map[string]any
	if json.Unmarshal(body, &members) != nil {
		return // it is no object
	}
	for _, name := range []string{"lease", "next"} {
		if value, ok := members[name].(string); ok {
			s.said[name] = value
		}
	}
	if id, ok := members["id"].(string); ok && members["conflicts"] != nil {
		s.said["conflict"] = id
	}
}
