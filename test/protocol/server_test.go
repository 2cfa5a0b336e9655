// Package protocol_test asks a served API over a socket for what the protocol
// promises, on every store.
package protocol_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/audit"
	"github.com/ifmatch/ifmatch/internal/coding"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/internal/rollout"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
	"github.com/ifmatch/ifmatch/internal/store/sqlite"
)

// api is one served API with its store in reach, to see what a request left.
type api struct {
	t   *testing.T
	url string
	// direct is the URL of the server itself, where a proxy is in between.
	direct string
	store  store.Store
	chain  *audit.Chain
	// signer makes the tags under the default where the setup has them signed.
	signer *ifmatch.Signer
	// watch observes where rules have that.
	watch *rollout.Watch
	// faults lies between engine and store where the setup asks for it.
	faults *faulty
}

// setup changes what newAPI serves.
type setup struct {
	rules  engine.Rules
	limits engine.Limits
	now    engine.Clock
	// keyWait is how long a request waits for another one under its key; 0 is the
	// engine's own.
	keyWait time.Duration
	// faulty puts api.faults between engine and store.
	faulty bool
	// actor names who makes a request; nil names nobody.
	actor   func(*http.Request) store.Actor
	maxPage int
	// admission is how much is taken on; zero is everything.
	admission httpapi.Admission
	// apiVersions are the values that Api-Version may have; nil is any.
	apiVersions []string
	// collections are served in place of a default; rules do not apply to them.
	collections []httpapi.Collection
	// links are those of documents under the default.
	links []httpapi.Link
	// log gets what the server logs; nil drops it.
	log *slog.Logger
	// dialect words refusals under the default; what it adds to bodies is in rules.
	dialect ifmatch.Dialect
}

// onEveryStore runs a test over each store that needs nothing to be started.
func onEveryStore(t *testing.T, s setup, test func(*testing.T, *api)) {
	t.Helper()
	for name, open := range chosen() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newAPI(t, open(t), s))
		})
	}
}

// onEveryStoreAlone runs them one after the other, for tests with one clock.
func onEveryStoreAlone(t *testing.T, s setup, test func(*testing.T, *api)) {
	t.Helper()
	for name, open := range chosen() {
		t.Run(name, func(t *testing.T) { test(t, newAPI(t, open(t), s)) })
	}
}

var stores = map[string]func(*testing.T) store.Store{
	"memory": func(*testing.T) store.Store { return memory.Open(memory.Options{}) },
	"sqlite": openSQLite,
}

// chosen are the stores that a test runs over: one of them where Prism looks on, since
// what is answered does not depend on it.
func chosen() map[string]func(*testing.T) store.Store {
	if *withPrism && !long() {
		return map[string]func(*testing.T) store.Store{"memory": stores["memory"]}
	}
	return stores
}

func openSQLite(t *testing.T) store.Store {
	t.Helper()
	st, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "test.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func newAPI(t *testing.T, st store.Store, s setup) *api {
	t.Helper()
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	chain, err := audit.NewChain([]byte("a key of 32 bytes, for tests only"))
	if err != nil {
		t.Fatal(err)
	}
	watch, err := rollout.New(0)
	if err != nil {
		t.Fatal(err)
	}
	a := &api{t: t, store: st, chain: chain, watch: watch}
	served := st
	if s.faulty {
		a.faults = &faulty{Store: st}
		served = a.faults
	}
	e := engine.New(served, engine.Config{Chain: chain, Limits: s.limits, Now: s.now, KeyWait: s.keyWait})
	rules := &s.rules
	if rules.Contract.Token == ifmatch.TokenSigned {
		a.signer = newSigner(t, st)
		rules.Contract.Signer = a.signer
	}
	if s.collections != nil {
		rules = nil
	}
	a.serve(httpapi.Config{
		Door: &door.Door{Engine: e, Now: s.now, Actor: s.actor, Codings: coding.All(), Observer: watch, Log: s.log}, APIVersions: s.apiVersions, Admission: s.admission, Default: rules, DefaultDialect: s.dialect, DefaultLinks: s.links, Collections: s.collections, MaxPage: s.maxPage,
	})
	return a
}

// optional is the contract of those who ask for nothing.
var optional = ifmatch.Contract{Precondition: ifmatch.MethodPreconditions{
	Put: ifmatch.PreconditionOptional, Patch: ifmatch.PreconditionOptional, Delete: ifmatch.PreconditionOptional,
}}

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request. Headers come in pairs of name and value; a body of "" is
// none. PUT and PATCH are JSON and merge patch unless the headers say otherwise.
func (a *api) do(method, path, body string, headers ...string) answer {
	a.t.Helper()
	got, err := a.send(method, path, body, headers...)
	if err != nil {
		a.t.Fatal(err)
	}
	return got
}

// transport keeps a connection for each of many clients.
var transport = &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}

// send is do for goroutines that are not the test's own.
func (a *api) send(method, path, body string, headers ...string) (answer, error) {
	var content io.Reader
	if body != "" {
		content = bytes.NewReader([]byte(body))
	}
	to := a.url
	if !carried(method, path) {
		to = a.direct
	}
	r, err := http.NewRequest(method, to+path, content)
	if err != nil {
		return answer{}, err
	}
	switch method {
	case "PUT", "POST":
		r.Header.Set("Content-Type", "application/json")
	case "PATCH":
		r.Header.Set("Content-Type", "application/merge-patch+json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		} else if headers[i] == "Content-Type" {
			r.Header.Set(headers[i], headers[i+1])
		} else {
			r.Header.Add(headers[i], headers[i+1])
		}
	}
	res, err := transport.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	return answer{status: res.StatusCode, header: res.Header, body: string(data)}, err
}

// must is do for what has to succeed.
func (a *api) must(status int, method, path, body string, headers ...string) answer {
	a.t.Helper()
	got := a.do(method, path, body, headers...)
	if got.status != status {
		a.t.Fatalf("%s %s: %d, want %d: %s", method, path, got.status, status, got.body)
	}
	return got
}

// problem is the part of a problem document that tests look at.
type problem struct {
	Type           string
	Title          string
	Status         int
	Detail         string
	Instance       string
	CorrelationID  string
	Resource       string
	Action         string
	YourEtag       string
	YourVersion    int64
	CurrentEtag    string
	CurrentVersion int64
	ChangedAt      string
	Deleted        bool
	AlreadyApplied *bool
	Changes        []change
	Conflicts      []conflict
	Mergeable      *bool
	Advice         string
	Strategies     []string
	Faults         []struct{ Pointer, Detail string }
	Allowed        []string
	ChangedBy      string
	RetryAfterMs   int64
}

// change is one entry of a problem's changes.
type change struct {
	Path, Op string
	From, To json.RawMessage
	Version  int64
	By       string
}

// conflict is one entry of a problem's conflicts.
type conflict struct {
	Path                string
	Key                 json.RawMessage
	Together            []string
	Base, Theirs, Yours json.RawMessage
	Rule, Reason        string
}

func (a *api) problem(got answer) problem {
	a.t.Helper()
	var p problem
	if err := json.Unmarshal([]byte(got.body), &p); err != nil {
		a.t.Fatalf("not a problem document: %v: %s", err, got.body)
	}
	return p
}

// rowKinds are the kinds of rows beside documents.
var rowKinds = []string{"contribution", "parked"}

// dump is everything that the store holds, to compare before and after.
func (a *api) dump() string {
	a.t.Helper()
	scanner := a.store.(store.Scanner)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	ctx := context.Background()
	var refs []store.Ref
	if err := scanner.ScanDocuments(ctx, func(d *store.Document) error { refs = append(refs, d.Ref); return enc.Encode(d) }); err != nil {
		a.t.Fatal(err)
	}
	for _, ref := range refs {
		for _, kind := range rowKinds {
			rows, err := a.store.(store.RowReader).Rows(ctx, ref, kind)
			if err := errors.Join(err, enc.Encode(rows)); err != nil {
				a.t.Fatal(err)
			}
		}
	}
	if err := scanner.ScanLog(ctx, func(e *store.Entry) error { return enc.Encode(e) }); err != nil {
		a.t.Fatal(err)
	}
	return b.String()
}

// verify checks that the store contradicts itself nowhere.
func (a *api) verify() {
	a.t.Helper()
	report, err := audit.Verify(context.Background(), a.store.(store.Scanner), a.chain)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, f := range report.Findings {
		a.t.Errorf("%s rev %d: %s", f.Ref.ID, f.Rev, f.Message)
	}
}
