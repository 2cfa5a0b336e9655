//go:build unix

package torture_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch/problem"
)

// ending is what is known of a request's end.
type ending int

const (
	answered ending = iota // the result tells
	withheld               // it was never sent, or the server says that it did nothing
	open                   // it may have been carried out, or may yet be
)

// body is the content of a document.
type body struct {
	Log []string `json:"log"`
}

func (b *body) text() (log string) {
	for _, e := range b.Log {
		log += " " + e
	}
	return log
}

const jsonType, patchType = "application/json", "application/json-patch+json"

// message is one request, also of those in a batch.
type message struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    any               `json:"body,omitempty"`
}

// of turns a step into its request.
func of(pair string, s *step) *message {
	m := &message{Path: path(pair, s.doc), Headers: map[string]string{"If-Match": tag(int64(s.pre))}}
	switch s.pre {
	case anyone:
		m.Headers["If-Match"] = "*"
	case absent:
		m.Headers = map[string]string{"If-None-Match": "*"}
	}
	switch s.kind {
	case check:
		m.Method = "CHECK"
	case remove:
		m.Method = http.MethodDelete
	case put:
		m.Method, m.Body = http.MethodPut, body{strings.Fields(s.log)}
		m.Headers["Content-Type"] = jsonType
	case add:
		m.Method, m.Body = http.MethodPatch, []map[string]string{{"op": "add", "path": "/log/-", "value": s.entry}}
		m.Headers["Content-Type"] = patchType
	case read:
		panic("reads are sent by get")
	}
	return m
}

func tag(version int64) string { return fmt.Sprintf(`"%d"`, version) }

// versionOf reads an entity tag; 0 is none.
func versionOf(tag string) (int64, error) {
	if tag == "" {
		return 0, nil
	}
	return strconv.ParseInt(strings.Trim(tag, `"`), 10, 64)
}

// send carries steps to a node, once: several of them as a batch.
func (c *client) send(node, pair string, steps []step, key string) (result, ending) {
	m := of(pair, &steps[0])
	if len(steps) > 1 {
		all := make([]*message, len(steps))
		for i := range steps {
			all[i] = of(pair, &steps[i])
		}
		m = &message{Method: http.MethodPost, Path: "/_batch", Headers: map[string]string{"Content-Type": jsonType},
			Body: map[string]any{"atomic": true, "operations": all}}
	}
	if key != "" {
		m.Headers["Idempotency-Key"] = key
	}
	a, end := c.exchange(node, m)
	if end != answered {
		return result{}, end
	}
	got, err := a.read(steps)
	if err != nil {
		c.fault("%s %s: %v: %d %s", m.Method, m.Path, err, a.status, a.body)
		return result{}, open
	}
	return got, answered
}

// answer is a whole answer.
type answer struct {
	status int
	etag   string
	body   []byte
}

// exchange sends a request and reads its answer.
func (l *load) exchange(node string, m *message) (answer, ending) {
	var content io.Reader
	if m.Body != nil {
		text, err := json.Marshal(m.Body)
		if err != nil {
			panic(err) // it is made of strings
		}
		content = io.NopCloser(bytes.NewReader(text)) // so that the client cannot send it again by itself
	}
	req, err := http.NewRequest(m.Method, node+m.Path, content)
	if err != nil {
		panic(err)
	}
	for name, value := range m.Headers {
		req.Header.Set(name, value)
	}
	resp, err := l.http.Do(req)
	if err != nil {
		if op, is := errors.AsType[*net.OpError](err); is && op.Op == "dial" {
			return answer{}, withheld
		}
		return answer{}, open
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, etag: resp.Header.Get("ETag")}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return answer{}, open
	}
	end := l.settles(m, &a)
	return a, end
}

// settles tells what an answer says of its request.
func (l *load) settles(m *message, a *answer) ending {
	if a.status < 409 || a.status == http.StatusGone || a.status == http.StatusPreconditionFailed {
		return answered
	}
	var p struct{ Type string }
	if err := json.Unmarshal(a.body, &p); err != nil {
		l.fault("%s %s is answered %d: %s", m.Method, m.Path, a.status, a.body)
		return open
	}
	code := problem.Code(strings.TrimPrefix(p.Type, problem.TypePrefix))
	l.count(l.problem(code))
	switch code {
	case problem.IdempotencyInFlight, problem.OutcomeUnknown:
		return open
	case problem.Contended, problem.Overloaded, problem.ReadOnly, problem.StorageFull: // "Nothing was written."
		return withheld
	}
	l.fault("%s %s is answered %d: %s", m.Method, m.Path, a.status, a.body)
	return open
}

// read makes a result of an answer that settles steps.
func (a *answer) read(steps []step) (got result, err error) {
	if a.status >= 400 {
		return a.refusal(steps)
	}
	tags := []string{a.etag}
	if len(steps) > 1 {
		var b struct {
			Results []struct{ Headers map[string]string }
		}
		if err := json.Unmarshal(a.body, &b); err != nil || len(b.Results) != len(steps) {
			return got, fmt.Errorf("a batch of %d: %w", len(steps), err)
		}
		tags = nil
		for _, r := range b.Results {
			tags = append(tags, r.Headers["ETag"])
		}
	}
	for i := range steps {
		v, err := versionOf(tags[i])
		if err != nil {
			return got, err
		}
		if steps[i].kind == remove {
			v = int64(steps[i].pre) + 1 // its answer has no tag
		}
		if v == 0 && steps[i].kind != check {
			return got, errors.New("a write is answered without an entity tag")
		}
		if steps[i].kind == check && steps[i].pre == absent {
			v = 0 // it stands at whatever its tombstone has
		}
		got.versions[i] = v
	}
	return got, nil
}

// refusal reads what stood in the way.
func (a *answer) refusal(steps []step) (result, error) {
	var p struct {
		FailedIndex int
		CurrentEtag string
	}
	if err := json.Unmarshal(a.body, &p); err != nil {
		return result{}, err
	}
	if p.FailedIndex >= len(steps) {
		return result{}, errors.New("it names an operation that was not sent")
	}
	v, err := versionOf(p.CurrentEtag)
	if err == nil && len(steps) == 1 && a.etag != p.CurrentEtag {
		err = fmt.Errorf("its ETag is %q, and its currentEtag %q", a.etag, p.CurrentEtag)
	}
	got := result{verdict: refused, failed: p.FailedIndex}
	got.versions[p.FailedIndex] = v
	return got, err
}

// get reads a document; on the condition that it is no longer at version have, unless that is 0.
func (c *client) get(node, path string, have int64) (result, ending) {
	m := &message{Method: http.MethodGet, Path: path, Headers: map[string]string{}}
	if have > 0 {
		m.Headers["If-None-Match"] = tag(have)
	}
	a, end := c.exchange(node, m)
	if end != answered || a.status == http.StatusNotFound || a.status == http.StatusGone {
		return result{}, end
	}
	v, err := versionOf(a.etag)
	got := result{versions: [pair]int64{v}, there: true, unchanged: a.status == http.StatusNotModified}
	if err == nil && !got.unchanged {
		var b body
		err = json.Unmarshal(a.body, &b)
		got.log = b.text()
	}
	if err != nil || a.status != http.StatusOK && !got.unchanged {
		c.fault("GET %s is answered %d: %s, %v", path, a.status, a.body, err)
		return result{}, open
	}
	return got, answered
}
