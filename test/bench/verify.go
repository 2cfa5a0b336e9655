package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/ifmatch/ifmatch/test/bench/load"
)

type verifier struct {
	ctx                context.Context
	client             *http.Client
	url, authorization string
	err                error // the first one; nothing is sent after it
}

// verify checks that a server does what it is about to be measured at, so that
// no figure is won by leaving out the work: a stale write is refused, an answer
// to a write carries tag and content, a 304 is one, and who has no key reads
// nothing.
func verify(ctx context.Context, addr, authorization string, s server) error {
	v := &verifier{ctx: ctx, client: &http.Client{Timeout: 10 * time.Second}, authorization: authorization,
		url: "http://" + addr + "/v1/docs/verified"}
	switch s {
	case constant:
		v.answers()
	case ifmatchBody:
		v.bodies()
	case ifmatchMerge:
		v.merges()
	default:
		v.tags()
	}
	if s == ifmatchKeyed {
		v.authorization = ""
		v.expect("GET", "", nil, 401, "")
	}
	return v.err
}

// answers checks a server that stores nothing.
func (v *verifier) answers() {
	tag := v.expect("GET", "", nil, 200, "")
	v.expect("GET", "", []string{"If-None-Match", tag}, 304, "")
	v.expect("PUT", `{"n":1}`, []string{"If-Match", tag}, 200, "")
}

// tags checks writes with the tag in If-Match.
func (v *verifier) tags() {
	created := v.expect("PUT", `{"n":1}`, []string{"If-None-Match", "*"}, 201, `{"n":1}`)
	replaced := v.expect("PUT", `{"n":2}`, []string{"If-Match", created}, 200, `{"n":2}`)
	v.differ(created, replaced)
	v.expect("PUT", `{"n":3}`, []string{"If-Match", created}, 412, "")
	v.expect("PUT", `{"n":3}`, []string{"If-None-Match", "*"}, 412, "")
	v.expect("PUT", `{"n":3}`, nil, 428, "")
	read := v.expect("GET", "", nil, 200, `{"n":2}`)
	if v.err == nil && read != replaced {
		v.err = fmt.Errorf("check the server: %w: the write's tag is %s, the read's %s", load.ErrWrong, replaced, read)
	}
	v.expect("GET", "", []string{"If-None-Match", read}, 304, "")
}

// bodies checks writes with the version in the content.
func (v *verifier) bodies() {
	created := v.expect("PUT", `{"n":1}`, nil, 201, `{"n":1,"version":1}`)
	replaced := v.expect("PUT", `{"n":2,"version":1}`, nil, 200, `{"n":2,"version":2}`)
	v.differ(created, replaced)
	v.expect("PUT", `{"n":3,"version":1}`, nil, 409, "")
	v.expect("PUT", `{"n":3}`, nil, 428, "")
	v.expect("GET", "", nil, 200, `{"n":2,"version":2}`)
}

// merges checks that stale writes are merged, and refused where they contradict.
func (v *verifier) merges() {
	created := v.expect("PUT", `{"a":1,"b":1}`, []string{"If-None-Match", "*"}, 201, `{"a":1,"b":1}`)
	patched := v.expect("PATCH", `{"a":2}`, []string{"If-Match", created}, 200, `{"a":2,"b":1}`)
	merged := v.expect("PATCH", `{"b":2}`, []string{"If-Match", created}, 200, `{"a":2,"b":2}`)
	v.differ(patched, merged)
	v.expect("PATCH", `{"a":3}`, []string{"If-Match", created}, 412, "")
	v.expect("PATCH", `{"a":3}`, nil, 428, "")
	v.expect("GET", "", nil, 200, `{"a":2,"b":2}`)
}

func (v *verifier) differ(before, after string) {
	if v.err == nil && before == after {
		v.err = fmt.Errorf("check the server: %w: the tag stayed %s when the content changed", load.ErrWrong, before)
	}
}

// expect sends one request and returns the entity tag of the state that is
// answered.
func (v *verifier) expect(method, body string, header []string, status int, content string) string {
	if v.err != nil {
		return ""
	}
	tag, err := v.send(method, body, header, status, content)
	if err != nil {
		v.err = fmt.Errorf("check the server: %s %v: %w", method, header, err)
	}
	return tag
}

func (v *verifier) send(method, body string, header []string, status int, content string) (string, error) {
	req, err := http.NewRequestWithContext(v.ctx, method, v.url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	if v.authorization != "" {
		req.Header.Set("Authorization", v.authorization)
	}
	if len(header) == 2 {
		req.Header.Set(header[0], header[1])
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	tag := cmp.Or(resp.Header.Get("ETag"), resp.Header.Get("Ifmatch-ETag"))
	switch {
	case resp.StatusCode != status:
		return "", fmt.Errorf("%w: status %d, %d was expected: %.200s", load.ErrWrong, resp.StatusCode, status, answer)
	case status < 400 && tag == "":
		return "", fmt.Errorf("%w: status %d without an ETag", load.ErrWrong, status)
	case status == 304 && len(answer) > 0:
		return "", fmt.Errorf("%w: a 304 with %d bytes of body", load.ErrWrong, len(answer))
	case content != "":
		return tag, sameMembers(answer, content)
	}
	return tag, nil
}

func sameMembers(got []byte, want string) error {
	var g, w map[string]any
	if err := json.Unmarshal(got, &g); err != nil {
		return fmt.Errorf("%w: the answer %.100q: %w", load.ErrWrong, got, err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		return err
	}
	if !maps.Equal(g, w) {
		return fmt.Errorf("%w: the answer is %.100q, the document %s", load.ErrWrong, got, want)
	}
	return nil
}
