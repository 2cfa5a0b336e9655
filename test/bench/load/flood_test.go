package load

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// flooded is a server of documents that refuses every third write, and may lie about
// what it did.
type flooded struct {
	*versions
	asked      atomic.Int64
	losesFirst atomic.Bool // the next write that is accepted is not stored
	status     int         // of refusals
}

func (f *flooded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut && r.Header.Get("If-None-Match") == "" {
		if f.asked.Add(1)%3 == 0 {
			w.Header().Set("Content-Length", "2")
			w.WriteHeader(f.status)
			fmt.Fprint(w, "{}")
			return
		}
		if f.losesFirst.CompareAndSwap(true, false) {
			w.Header().Set("ETag", `"99"`)
			w.Header().Set("Content-Length", "2")
			fmt.Fprint(w, "{}")
			return
		}
	}
	f.versions.ServeHTTP(w, r)
}

func newFlooded(t *testing.T) (*flooded, Plan) {
	t.Helper()
	f := &flooded{versions: newVersions(), status: 503}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	p := Plan{Addr: strings.TrimPrefix(server.URL, "http://"), Clients: 4, Corpus: NewCorpus(8), Kind: Create, Header: "Authorization: Bearer x\r\n", Seed: 1}
	if _, err := Run(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	p.Kind, p.Duration = Replace, 200*time.Millisecond
	return f, p
}

// TestFlood: what is due is sent or said not to be, accepted and refused answers are
// counted apart, and all documents are as their writers were told.
func TestFlood(t *testing.T) {
	_, p := newFlooded(t)
	const rate = 1000
	f, err := RunFlood(t.Context(), p, rate)
	if err != nil {
		t.Fatal(err)
	}
	if f.Accepted == 0 || f.Refused == 0 || f.Accepted+f.Refused+f.Unsent != f.Due || f.Due > rate/5 {
		t.Errorf("%d due, %d accepted, %d refused, %d unsent", f.Due, f.Accepted, f.Refused, f.Unsent)
	}
	if f.Latency.Count() != f.Accepted || f.Refusals.Count() != f.Refused {
		t.Errorf("%d and %d latencies of %+v", f.Latency.Count(), f.Refusals.Count(), f)
	}
}

func TestFloodFindsFaults(t *testing.T) {
	f, p := newFlooded(t)
	f.losesFirst.Store(true)
	if _, err := RunFlood(t.Context(), p, 1000); !errors.Is(err, ErrWrong) {
		t.Errorf("a write that was lost: %v", err)
	}
	f, p = newFlooded(t)
	f.status = 500
	if _, err := RunFlood(t.Context(), p, 1000); !errors.Is(err, ErrWrong) {
		t.Errorf("a failure: %v", err)
	}
	p.Kind = Read
	if _, err := RunFlood(t.Context(), p, 1000); err == nil {
		t.Error("a flood of reads is taken")
	}
}
