package clients

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"testing"
)

// exchange is one request and the answer to it.
type exchange struct {
	method, sent string
	status       int
	answer       string
}

// recorder stands in front of a server and keeps what is said.
type recorder struct {
	url string
	// answered is called before an answer is passed on; nil does nothing. It may be
	// called by several requests at once.
	answered func(exchange)

	mu  sync.Mutex
	log []exchange
}

// record puts a recorder in front of a server until the test ends.
func record(t *testing.T, behind string, answered func(exchange)) *recorder {
	t.Helper()
	target, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{answered: answered}
	front := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(target) },
		Transport: r,
	})
	t.Cleanup(front.Close)
	r.url = front.URL
	return r
}

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	var sent []byte
	if q.Body != nil {
		var err error
		if sent, err = io.ReadAll(q.Body); err != nil {
			return nil, err
		}
		q.Body = io.NopCloser(bytes.NewReader(sent))
	}
	q.Header.Del("Accept-Encoding") // so that what is kept can be read
	res, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(answer))
	e := exchange{q.Method, string(sent), res.StatusCode, string(answer)}
	r.mu.Lock()
	r.log = append(r.log, e)
	r.mu.Unlock()
	if r.answered != nil {
		r.answered(e)
	}
	return res, nil
}

// exchanges returns what was said so far, in the order of the answers.
func (r *recorder) exchanges() []exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.log)
}
