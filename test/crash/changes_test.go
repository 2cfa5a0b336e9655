package crash_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// follower follows the feed of all collections over many servers on one store.
type follower struct {
	*testing.T
	streams bool
	at      string // the last cursor
	seen    []string
}

// item is one change in a feed.
type item struct {
	Path    string
	Version int64
	Action  string
}

func (f *follower) saw(i *item, at string) {
	f.seen = append(f.seen, fmt.Sprint(i.Path, i.Version, i.Action))
	if at != "" {
		f.at = at
	}
}

// ask sends a request for what comes behind the last cursor. It returns nil where the
// server is gone.
func (f *follower) ask(base, query string, header ...string) *http.Response {
	r, err := http.NewRequestWithContext(context.WithoutCancel(f.Context()), http.MethodGet, base+"/_changes?"+query, nil)
	if err != nil {
		f.Error(err)
		return nil
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil
	}
	if res.StatusCode != http.StatusOK {
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		f.Errorf("behind %q: %s: %s, %v", f.at, res.Status, body, err)
		return nil
	}
	return res
}

// follow follows a server until that is gone.
func (f *follower) follow(base string) {
	for !f.Failed() {
		if f.streams && !f.stream(base) || !f.streams && f.page(base, "wait=5") < 0 {
			return
		}
	}
}

// page reads a page, and returns how many changes it has, or -1.
func (f *follower) page(server, prefer string) int {
	query := url.Values{"limit": {"20"}}
	if f.at != "" {
		query.Set("since", f.at)
	}
	res := f.ask(server, query.Encode(), "Prefer", prefer)
	if res == nil {
		return -1
	}
	defer res.Body.Close()
	var page struct {
		Items []item
		Next  string
	}
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil {
		return -1 // it was cut off, and counts for nothing
	}
	for i := range page.Items {
		f.saw(&page.Items[i], "")
	}
	f.at = page.Next
	return len(page.Items)
}

// stream reads a stream to its end.
func (f *follower) stream(server string) bool {
	header := []string{"Accept", "text/event-stream"}
	if f.at != "" {
		header = append(header, "Last-Event-ID", f.at)
	}
	res := f.ask(server, "", header...)
	if res == nil {
		return false
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	id, data := "", ""
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return true
		}
		if text, ok := strings.CutPrefix(line, "id: "); ok {
			id = strings.TrimSpace(text)
		}
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			data = text
		}
		if line != "\n" || id == "" {
			continue
		}
		f.at = id
		if data != "" {
			var i item
			if err := json.Unmarshal([]byte(data), &i); err != nil {
				f.Errorf("%q: %v", data, err)
				return false
			}
			f.saw(&i, id)
		}
		id, data = "", ""
	}
}

// TestKillFollowed ends servers with kill -9 and with SIGTERM while many write and some
// follow. Over all of them a follower sees every change once, in one order, those that
// were never acknowledged included; and a server that is asked to end does not wait for
// its followers.
func TestKillFollowed(t *testing.T) {
	rounds, clients := rounds()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "crash.db")
	l := newLoad(t, clients, seed)
	followers := []*follower{{T: t}, {T: t, streams: true}, {T: t, streams: true}}
	followed := 0
	for round := range (rounds + 3) / 4 {
		l.transport(round%2 == 1)
		s := start(t, path)
		var following sync.WaitGroup
		for _, f := range followers {
			following.Go(func() { f.follow(s.URL) })
		}
		full, done := l.run(s.URL, 1+rng.IntN(800))
		<-full
		if round%2 == 0 {
			s.Kill()
		} else if err := s.terminate(t); err != nil {
			t.Errorf("with followers the server ends with %v: %s", err, s.Stderr)
		}
		done()
		following.Wait()
		again := start(t, path)
		l.transport(false)
		l.check(again.URL)
		all := &follower{T: t}
		for _, f := range append(followers, all) {
			for f.page(again.URL, "") > 0 {
			}
		}
		for _, f := range followers {
			if !slices.Equal(f.seen, all.seen) {
				t.Errorf("a follower (streams: %t) has seen %d changes, and the feed has %d, or others", f.streams, len(f.seen), len(all.seen))
			}
		}
		again.Kill()
		verify(t, path)
		if t.Failed() {
			t.Fatalf("in round %d; the server said: %s", round, s.Stderr)
		}
		followed = len(all.seen)
	}
	t.Logf("%d changes followed", followed)
}
