package protocol_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/testdata"
)

// keyVectors is vectors/idempotency.json, which other languages run as well.
type keyVectors struct {
	Fields []struct {
		Name  string
		Lines []string
		Key   *string
	}
	Anonymous []struct {
		Key   string
		Taken bool
	}
	Steps []keyStep
}

// keyStep is what becomes of a request after what came before it.
type keyStep struct {
	Name   string
	After  []string
	Change struct {
		Method, Path, Body string
		Headers            map[string]string
	}
	Answer string
}

func readKeyVectors(t *testing.T) keyVectors {
	t.Helper()
	text, err := os.ReadFile(module + "/vectors/idempotency.json")
	if err != nil {
		t.Fatal(err)
	}
	var v keyVectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Fields) == 0 || len(v.Anonymous) == 0 || len(v.Steps) == 0 {
		t.Fatal("vectors/idempotency.json lacks fields, anonymous or steps")
	}
	return v
}

// TestKeyFields: what is no key is refused, and then nothing is done; and what is
// one is the same key however it is spelt.
func TestKeyFields(t *testing.T) {
	v := readKeyVectors(t)
	onEveryStore(t, setup{actor: writerName}, func(t *testing.T, a *api) {
		for _, f := range v.Fields {
			headers := []string{"X-Writer", f.Name}
			for _, line := range f.Lines {
				headers = append(headers, "Idempotency-Key", line)
			}
			if f.Lines[0] == "" { // which the test's own client would leave out
				got := a.raw("POST /v1/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\nIdempotency-Key:\r\n\r\n{}")
				a.isProblem(got, 400, "malformed", "POST", "/v1/notes")
				continue
			}
			if f.Key == nil {
				p := a.refused(400, "malformed", "POST", "/v1/notes", `{"n":1}`, headers...)
				if !strings.Contains(p.Detail, "Idempotency-Key") {
					t.Errorf("%s: %s", f.Name, p.Detail)
				}
				continue
			}
			first := a.must(201, "POST", "/v1/notes", `{"n":1}`, headers...)
			spelt := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(*f.Key)
			again := a.do("POST", "/v1/notes", `{"n":1}`, "X-Writer", f.Name, "Idempotency-Key", `"`+spelt+`"`)
			a.header(again, "Idempotent-Replayed", "true")
			a.sameAnswer(first, again)
		}
		for _, k := range v.Anonymous {
			if k.Taken {
				a.must(201, "POST", "/v1/notes", `{"n":1}`, "Idempotency-Key", k.Key)
			} else if p := a.refused(400, "malformed", "POST", "/v1/notes", `{"n":1}`, "Idempotency-Key", k.Key); !strings.Contains(p.Detail, "128") {
				t.Errorf("%s: %s", k.Key, p.Detail)
			}
		}
	})
}

// step carries a step of the vectors out, and says what was answered.
func (a *api) step(s keyStep, now *clock) string {
	a.t.Helper()
	method, path, body := "PUT", item, `{"n":1}`
	headers := map[string]string{"Idempotency-Key": quotedKey}
	send := func() answer {
		var pairs []string
		for name, value := range headers {
			pairs = append(pairs, name, value)
		}
		return a.do(method, path, body, pairs...)
	}
	var first answer
	var running sync.WaitGroup
	finish := func() {}
	defer func() { finish(); running.Wait() }()
	for _, came := range s.After {
		switch came {
		case "success":
			first = a.must(201, method, path, body, "Idempotency-Key", quotedKey)
		case "refusal":
			a.refused(412, "stale", method, path, body, "Idempotency-Key", quotedKey, "If-Match", `"1"`)
		case "running":
			finish = a.heldUp(&running, method, path, body, "Idempotency-Key", quotedKey)
		case "a day":
			now.set(now.Now().Add(24 * time.Hour))
		default:
			a.t.Fatalf("%s: after %q", s.Name, came)
		}
	}
	if s.Change.Method != "" {
		method = s.Change.Method
	}
	if s.Change.Path != "" {
		path = s.Change.Path
	}
	if s.Change.Body != "" {
		body = s.Change.Body
	}
	for name, value := range s.Change.Headers {
		headers[name] = value
	}
	before := a.dump()
	got := send()
	if got.status >= 400 && a.dump() != before {
		a.t.Errorf("%s: it has left something behind", s.Name)
	}
	switch {
	case got.status >= 400:
		return fmt.Sprintf("%d %s", got.status, strings.TrimPrefix(a.problem(got).Type, "urn:ifmatch:problem:"))
	case got.header.Get("Idempotent-Replayed") == "true":
		a.sameAnswer(first, got)
		return "replayed"
	}
	return "performed"
}

// heldUp sends a request whose commit does not return before finish is called.
func (a *api) heldUp(running *sync.WaitGroup, method, path, body string, headers ...string) (finish func()) {
	a.t.Helper()
	committing, release := make(chan struct{}), make(chan struct{})
	var others atomic.Bool
	a.faults.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
		if !others.Swap(true) {
			close(committing)
			<-release
		}
		return next()
	})
	running.Go(func() {
		if got, err := a.send(method, path, body, headers...); err != nil || got.status > 299 {
			a.t.Errorf("the request that was held up: %d %s, %v", got.status, got.body, err)
		}
	})
	<-committing
	return func() { close(release) }
}

// TestKeySteps runs the steps of the vectors, each on stores of its own.
func TestKeySteps(t *testing.T) {
	for _, s := range readKeyVectors(t).Steps {
		t.Run(s.Name, func(t *testing.T) {
			now := &clock{now: noon}
			onEveryStoreAlone(t, setup{faulty: true, now: now.Now, keyWait: time.Millisecond}, func(t *testing.T, a *api) {
				if is := a.step(s, now); is != s.Answer {
					t.Errorf("answered %s, want %s", is, s.Answer)
				}
				a.verify()
			})
		})
	}
}

// TestKeyMismatch: the key of one request is refused to every other, and nothing
// is done.
func TestKeyMismatch(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.once(201, "PUT", item, `{"n":1}`)
		p := a.refused(422, "idempotency-mismatch", "PUT", item, `{"n":2}`, withKey("If-Match", `"1"`)...)
		if !strings.Contains(p.Detail, "new key") {
			t.Error(p.Detail)
		}
		a.refused(422, "idempotency-mismatch", "DELETE", item, "", withKey("If-Match", `"1"`)...)
		a.refused(422, "idempotency-mismatch", "POST", "/v1/notes", `{"n":1}`, withKey()...)
		a.must(200, "PUT", item, `{"n":2}`, "If-Match", `"1"`)
	})
}

// TestKeyInFlight: while a request runs, the same one is told to come again, and
// when it comes again it is the one that ran.
func TestKeyInFlight(t *testing.T) {
	onEveryStore(t, setup{faulty: true, keyWait: time.Millisecond}, func(t *testing.T, a *api) {
		var running sync.WaitGroup
		finish := a.heldUp(&running, "POST", "/v1/notes", `{"n":1}`, withKey()...)
		before := a.dump()
		got := a.do("POST", "/v1/notes", `{"n":1}`, withKey()...)
		a.isProblem(got, 409, "idempotency-in-flight", "POST", "/v1/notes")
		a.header(got, "Retry-After", "1")
		if a.dump() != before {
			t.Error("it has left something behind")
		}
		a.must(201, "POST", "/v1/notes", `{"n":1}`, "Idempotency-Key", "another-key-of-enough-characters")
		finish()
		running.Wait()
		a.header(a.must(201, "POST", "/v1/notes", `{"n":1}`, withKey()...), "Idempotent-Replayed", "true")
	})
}

// TestKeyRace: of many requests under one key at once one is carried out; the others
// get its answer, or are told to come again for it.
func TestKeyRace(t *testing.T) {
	onEveryStoreAlone(t, setup{}, func(t *testing.T, a *api) {
		answers := make([]answer, racers)
		var clients sync.WaitGroup
		for i := range answers {
			clients.Go(func() {
				var err error
				if answers[i], err = a.send("POST", "/v1/notes", `{"n":1}`, withKey()...); err != nil {
					t.Error(err)
				}
			})
		}
		clients.Wait()
		performed := 0
		final := a.must(201, "POST", "/v1/notes", `{"n":1}`, withKey()...)
		for _, got := range answers {
			switch {
			case got.status == 409:
				a.isProblem(got, 409, "idempotency-in-flight", "POST", "/v1/notes")
				continue
			case got.header.Get("Idempotent-Replayed") == "":
				performed++
			}
			a.sameAnswer(final, got)
		}
		if items := strings.Count(a.must(200, "GET", "/v1/notes", "").body, `"id"`); performed != 1 || items != 1 {
			t.Errorf("%d were carried out, and %d notes are there", performed, items)
		}
		a.verify()
	})
}

// TestKeyUnknownOutcome: a commit whose outcome the server cannot learn is settled
// by the same request again, whichever it was.
func TestKeyUnknownOutcome(t *testing.T) {
	for name, happens := range map[string]bool{"it happened": true, "it did not": false} {
		t.Run(name, func(t *testing.T) {
			onEveryStore(t, setup{faulty: true}, func(t *testing.T, a *api) {
				a.faults.onCommit(func(_ *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error) {
					if happens {
						if _, err := next(); err != nil {
							return store.Receipt{}, err
						}
					}
					return store.Receipt{}, store.ErrOutcomeUnknown
				})
				got := a.do("POST", "/v1/notes", `{"n":1}`, withKey()...)
				a.faults.onCommit(nil)
				if happens { // which its key tells
					a.status(got, 201)
				} else {
					a.isProblem(got, 503, "outcome-unknown", "POST", "/v1/notes")
				}
				again := a.must(201, "POST", "/v1/notes", `{"n":1}`, withKey()...)
				if is := again.header.Get("Idempotent-Replayed") == "true"; is != happens {
					t.Errorf("replayed is %v", is)
				}
				if n := strings.Count(a.must(200, "GET", "/v1/notes", "").body, `"id"`); n != 1 {
					t.Errorf("%d notes are there", n)
				}
			})
		})
	}
}

// TestSharedKeyCases: each case of the reading of the draft is one of our tests.
func TestSharedKeyCases(t *testing.T) {
	text, err := os.ReadFile(testdata.Shared(t, "idempotency.json"))
	if err != nil {
		t.Fatal(err)
	}
	var draft struct {
		Cases []struct {
			ID           string
			ExpectStatus int `json:"expect_status"`
		}
	}
	if err := json.Unmarshal(text, &draft); err != nil {
		t.Fatal(err)
	}
	runs := map[string]func(a *api, now *clock, running *sync.WaitGroup) answer{
		"idem-1": func(a *api, _ *clock, _ *sync.WaitGroup) answer {
			return a.must(201, "PUT", item, `{"n":1}`, "Idempotency-Key", quotedKey)
		},
		"idem-2": func(a *api, _ *clock, _ *sync.WaitGroup) answer { return a.once(201, "PUT", item, `{"n":1}`) },
		"idem-3": func(a *api, _ *clock, _ *sync.WaitGroup) answer { // our choice: judged afresh
			a.refused(404, "not-found", "PATCH", item, `{"n":1}`, withKey("If-Match", `"1"`)...)
			a.must(201, "PUT", item, `{"n":0}`)
			return a.must(200, "PATCH", item, `{"n":1}`, withKey("If-Match", `"1"`)...)
		},
		"idem-4": func(a *api, _ *clock, running *sync.WaitGroup) answer {
			defer a.heldUp(running, "PUT", item, `{"n":1}`, withKey()...)()
			return a.do("PUT", item, `{"n":1}`, withKey()...)
		},
		"idem-5": func(a *api, _ *clock, _ *sync.WaitGroup) answer {
			a.once(201, "PUT", item, `{"n":1}`)
			return a.do("PUT", item, `{"n":2}`, withKey()...)
		},
		"idem-6": func(a *api, _ *clock, _ *sync.WaitGroup) answer { return a.do("PUT", "/v1/orders/1", `{"n":1}`) },
		"idem-7": func(a *api, _ *clock, _ *sync.WaitGroup) answer {
			return a.must(201, "PUT", item, `{"n":1}`, "Idempotency-Key", quotedKey)
		},
		"idem-8": func(a *api, _ *clock, _ *sync.WaitGroup) answer {
			a.refused(400, "malformed", "PUT", item, `{"n":1}`, "Idempotency-Key", ":"+strings.Repeat("QUFB", 9)+":")
			return a.must(201, "PUT", item, `{"n":1}`)
		},
		"idem-9": func(a *api, now *clock, _ *sync.WaitGroup) answer {
			a.once(201, "POST", "/v1/notes", `{"n":1}`)
			now.set(noon.Add(24 * time.Hour))
			return a.once(201, "POST", "/v1/notes", `{"n":2}`)
		},
		"idem-10": func(a *api, _ *clock, running *sync.WaitGroup) answer { // Retry-After says which
			defer a.heldUp(running, "PUT", item, `{"n":1}`, withKey()...)()
			a.header(a.do("PUT", item, `{"n":1}`, withKey()...), "Retry-After", "1")
			bad := a.do("PUT", item, `{"n":1}`, "Idempotency-Key", "?1")
			a.header(bad, "Retry-After", "")
			return a.must(201, "PUT", "/v1/notes/2", `{}`)
		},
	}
	for _, c := range draft.Cases {
		run, known := runs[c.ID]
		if !known {
			t.Errorf("%s is not run", c.ID)
		}
		t.Run(c.ID, func(t *testing.T) {
			now := &clock{now: noon}
			onEveryStoreAlone(t, setup{faulty: true, now: now.Now, keyWait: time.Millisecond, collections: demanding}, func(t *testing.T, a *api) {
				var running sync.WaitGroup
				defer running.Wait()
				now.set(noon)
				if got := run(a, now, &running); c.ExpectStatus != 0 && got.status != c.ExpectStatus {
					t.Errorf("answered %d: %s", got.status, got.body)
				}
			})
		})
	}
}
