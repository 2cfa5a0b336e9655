package crash_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// post is a request under a key, sent until it is answered.
type post struct {
	key   string
	first answered // what it was answered, where it was
}

// answered is what makes one answer the same as another.
type answered struct {
	status         int
	location, etag string
	modified, body string
	replayed       bool
}

// create sends the request once; false where no whole answer came.
func (p *post) create(client *http.Client, url string) (answered, bool) {
	req, err := http.NewRequest(http.MethodPost, url+"/v1/notes", strings.NewReader(fmt.Sprintf(`{"key":%q}`, p.key)))
	if err != nil {
		return answered{}, false
	}
	req.GetBody = nil // or the client would send it again by itself
	req.Header.Set("Content-Type", jsonType)
	req.Header.Set("Idempotency-Key", p.key)
	resp, err := client.Do(req)
	if err != nil {
		return answered{}, false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answered{}, false
	}
	h := resp.Header
	return answered{resp.StatusCode, h.Get("Location"), h.Get("ETag"), h.Get("Last-Modified"), string(body), h.Get("Idempotent-Replayed") == "true"}, true
}

// TestKillBetweenCommitAndAnswer ends a server that many clients send keyed POSTs
// to, and sends each again to the next one: what was answered is answered alike,
// and every key has made one document, whether its answer came or not.
func TestKillBetweenCommitAndAnswer(t *testing.T) {
	rounds, clients := rounds()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "crash.db")
	made, unanswered := 0, 0
	for round := range rounds {
		s := start(t, path)
		posts := postUntilKilled(s, round, clients, 1+rng.IntN(300))
		again := start(t, path)
		for _, p := range posts {
			unanswered += p.settle(t, again.URL)
		}
		made += len(posts)
		again.Kill()
	}
	verify(t, path)
	last := start(t, path)
	if n := countNotes(t, last.URL); n != made {
		t.Errorf("%d keys have made %d documents", made, n)
	}
	if unanswered == 0 {
		t.Error("no server ended between commit and answer: nothing was tested")
	}
	t.Logf("%d keys, %d of them carried out and not answered", made, unanswered)
}

// postUntilKilled has clients send keyed requests until the server is ended, after
// so many answers, and returns all that were sent.
func postUntilKilled(s *server, round, clients, answers int) []*post {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	var mu sync.Mutex
	var posts []*post
	enough := make(chan struct{})
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for i := 0; ; i++ {
				p := &post{key: fmt.Sprintf("a-key-of-round-%d-client-%d-%d", round, c, i)}
				mu.Lock()
				posts = append(posts, p)
				mu.Unlock()
				got, ok := p.create(client, s.URL)
				if !ok {
					return
				}
				p.first = got
				mu.Lock()
				if answers--; answers == 0 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	s.Kill()
	all.Wait()
	return posts
}

// settle sends a request again, twice, and returns 1 where it had been carried out
// without an answer.
func (p *post) settle(t *testing.T, url string) (unanswered int) {
	t.Helper()
	got, ok := p.create(http.DefaultClient, url)
	if !ok || got.status != http.StatusCreated {
		t.Errorf("%s is answered %+v", p.key, got)
	}
	again, ok := p.create(http.DefaultClient, url)
	if !ok || !again.replayed {
		t.Errorf("%s is not replayed: %+v", p.key, again)
	}
	if got.replayed && p.first.status == 0 {
		unanswered = 1
	}
	if p.first.status != 0 && !got.replayed {
		t.Errorf("%s was answered, and carried out again: %+v", p.key, got)
	}
	got.replayed, again.replayed = false, false
	if got != again || p.first.status != 0 && got != p.first {
		t.Errorf("%s is answered %+v, then %+v; first it was %+v", p.key, got, again, p.first)
	}
	return unanswered
}

// countNotes counts what lies in the collection.
func countNotes(t *testing.T, url string) (n int) {
	t.Helper()
	for next := "/v1/notes?limit=1000"; next != ""; {
		resp, err := http.Get(url + next)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s %s, %v", resp.Status, body, err)
		}
		n += bytes.Count(body, []byte(`"data":`))
		_, cursor, more := bytes.Cut(body, []byte(`"next":"`))
		if next = ""; more {
			cursor, _, _ = bytes.Cut(cursor, []byte(`"`))
			next = "/v1/notes?limit=1000&cursor=" + string(cursor)
		}
	}
	return n
}
