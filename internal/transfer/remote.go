// Package transfer carries the documents of a collection from a server to JSON
// Lines and back, over the same HTTP that everybody speaks: every write is
// conditional, and both ways can be interrupted and taken up again.
//
// A line is an item of the collection's list:
//
//	{"id":"1","etag":"\"5\"","version":5,"data":{"title":"A"}}
//
// Only id and data are needed to bring a document back.
package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Remote is one collection on a server. It is safe for concurrent use.
type Remote struct {
	url    string
	token  string
	client *http.Client
}

// NewRemote returns the collection at an http or https URL, such as
// http://127.0.0.1:8080/v1/notes. A token that is not empty is sent as a bearer
// token. A nil client is one of its own, without a limit on how long an answer
// may take to arrive in full.
func NewRemote(address, token string, client *http.Client) (*Remote, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q is not the URL of a collection; write it as http://host/v1/notes", address)
	}
	if client == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = maxParallel
		transport.ResponseHeaderTimeout = time.Minute
		client = &http.Client{Transport: transport}
	}
	return &Remote{url: strings.TrimSuffix(u.String(), "/"), token: token, client: client}, nil
}

// Refusal is an answer that is no success.
type Refusal struct {
	Status int
	// Slug names the problem, "" where the answer was no problem document.
	Slug   string
	Detail string
	// AlreadyApplied tells of a stale write that what it sent is stored already.
	AlreadyApplied bool

	wait int // for how many seconds the server asks to be spared
}

func (r *Refusal) Error() string {
	text := strconv.Itoa(r.Status) + " " + http.StatusText(r.Status)
	if r.Slug != "" {
		text += " (" + r.Slug + ")"
	}
	if r.Detail != "" {
		text += ": " + r.Detail
	}
	return text
}

// hopeless tells of a refusal that every other request would meet too.
func (r *Refusal) hopeless() bool {
	switch r.Status {
	case http.StatusUnauthorized, http.StatusMethodNotAllowed:
		return true
	}
	return r.Status >= http.StatusInternalServerError
}

// again tells of a refusal that may be none a little later.
func (r *Refusal) again() bool {
	switch r.Status {
	case http.StatusLocked, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// answer is a success.
type answer struct {
	body    []byte
	outcome string
}

const (
	retryFor  = time.Minute
	maxAnswer = 1 << 30
)

// ask sends a request, again where that may help: a network that fails, a server
// that asks to come back. It fails with a *Refusal, or with what the network said.
// Whoever sends a write must reckon with its first try having been carried out.
func (r *Remote) ask(ctx context.Context, method, target string, header http.Header, body []byte) (answer, error) {
	var last error
	a, err := backoff.Retry(ctx, func() (answer, error) {
		a, err := r.once(ctx, method, target, header, body)
		last = err
		refused, ok := errors.AsType[*Refusal](err)
		switch {
		case ok && refused.wait > 0:
			return a, backoff.RetryAfter(refused.wait)
		case ok && !refused.again():
			return a, backoff.Permanent(err)
		}
		return a, err
	}, backoff.WithBackOff(backoff.NewExponentialBackOff()), backoff.WithMaxElapsedTime(retryFor))
	if err != nil && ctx.Err() == nil {
		err = last // what the server said, rather than that it was asked too often
	}
	return a, err
}

// once sends a request once.
func (r *Remote) once(ctx context.Context, method, target string, header http.Header, body []byte) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	err = errors.Join(err, resp.Body.Close())
	if err != nil {
		return answer{}, err
	}
	if resp.StatusCode/100 == 2 {
		return answer{body: content, outcome: resp.Header.Get("Ifmatch-Outcome")}, nil
	}
	refused := refusal(resp.StatusCode, content)
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && refused.again() {
		refused.wait = seconds
	}
	return answer{}, refused
}

// refusal reads a problem document, in either dialect, as far as it is one.
func refusal(status int, content []byte) *Refusal {
	r := &Refusal{Status: status}
	doc, err := jsonvalue.Parse(content, jsonvalue.Limits{})
	if err != nil {
		return r
	}
	r.Slug = doc.Lookup("type").Text()
	r.Slug = r.Slug[strings.LastIndexByte(r.Slug, ':')+1:]
	r.Detail = doc.Lookup("detail").Text()
	if inner := doc.Lookup("error"); inner.Kind() == jsonvalue.KindObject {
		doc = inner
		r.Slug, r.Detail = doc.Lookup("code").Text(), doc.Lookup("message").Text()
	}
	r.AlreadyApplied = doc.Lookup("alreadyApplied").IsTrue()
	return r
}
