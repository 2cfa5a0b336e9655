package protocol_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
)

// TestFollowersMissNothing: while 16 write, followers of every kind come and go at
// random and take up where they were. Each has seen every change once, in the order of
// the log.
func TestFollowersMissNothing(t *testing.T) {
	onEveryStoreAlone(t, setup{rules: engine.Rules{Contract: optional}}, func(t *testing.T, a *api) {
		const writers, writes = 16, 30
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		done := make(chan struct{})
		followers := []*follower{
			{feed: "/v1/a/_changes"}, {feed: "/v1/b/_changes"}, {feed: "/_changes"},
			{feed: "/v1/a/_changes", waits: true}, {feed: "/_changes", waits: true},
			{feed: "/v1/a/_changes", streams: true}, {feed: "/v1/b/_changes", streams: true}, {feed: "/_changes", streams: true}, {feed: "/_changes", streams: true},
		}
		var following, writing sync.WaitGroup
		for i, f := range followers {
			f.api, f.rng = a, rand.New(rand.NewPCG(seed, uint64(1000+i)))
			following.Go(func() { f.run(ctx, done) })
		}
		for w := range writers {
			rng := rand.New(rand.NewPCG(seed, uint64(w)))
			writing.Go(func() {
				for range writes {
					<-time.After(time.Duration(rng.IntN(2000)) * time.Microsecond) // the load, not the test, is to be uneven
					path := fmt.Sprintf("/v1/%s/%d", []string{"a", "b", "c"}[rng.IntN(3)], rng.IntN(4))
					method, body := "PUT", fmt.Sprintf(`{"n":%d}`, rng.Int64())
					if rng.IntN(5) == 0 {
						method, body = "DELETE", ""
					}
					if got, err := a.send(method, path, body); err != nil || got.status >= 500 {
						t.Errorf("%s %s: %d, %v: %s", method, path, got.status, err, got.body)
					}
				}
			})
		}
		writing.Wait()
		close(done)
		following.Wait()
		for _, f := range followers {
			collection := strings.TrimSuffix(strings.TrimPrefix(f.feed, "/v1/"), "/_changes")
			if got, want := strings.Join(f.seen, "\n"), a.logged(collection); got != want {
				t.Errorf("%+v has seen %d changes; they differ from the log's %d:\n%s\nwant\n%s", f.feed, len(f.seen), strings.Count(want, "\n")+1, got, want)
			}
		}
		a.verify()
	})
}

// logged is what the log has of a collection's changes, "" for all.
func (a *api) logged(collection string) string {
	a.t.Helper()
	var all []string
	err := a.store.(store.Scanner).ScanLog(context.Background(), func(e *store.Entry) error {
		if e.Action != store.ActionTouch && (collection == "" || collection == e.Ref.Part.Collection) {
			all = append(all, fmt.Sprintf("%s %d %s", e.Ref.ID, e.Version, e.Action))
		}
		return nil
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

// follower reads a feed in one way, and goes away in between.
type follower struct {
	*api
	rng            *rand.Rand
	feed           string
	waits, streams bool
	at             string // the last cursor
	seen           []string
}

func (f *follower) saw(c *changed) {
	f.seen = append(f.seen, fmt.Sprintf("%s %d %s", c.ID, c.Version, c.Action))
}

// run follows until done, and then to the end of the feed.
func (f *follower) run(ctx context.Context, done <-chan struct{}) {
	for {
		last := false
		select {
		case <-done:
			last = true
		default:
		}
		var err error
		if f.streams && !last {
			err = f.stream(ctx, done)
		} else {
			var more bool
			if more, err = f.page(ctx, f.waits && !last); last && !more && err == nil {
				return
			}
		}
		if err != nil {
			f.t.Errorf("%s: %v", f.feed, err)
			return
		}
	}
}

// page reads a page, or gives up waiting for it.
func (f *follower) page(ctx context.Context, wait bool) (more bool, err error) {
	url := fmt.Sprintf("%s%s?limit=%d", f.url, f.feed, 1+f.rng.IntN(9))
	if f.at != "" {
		url += "&since=" + f.at
	}
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(asking, http.MethodGet, url, nil)
	if err != nil {
		return false, err
	}
	if wait {
		r.Header.Set("Prefer", "wait=1")
		if f.rng.IntN(3) == 0 {
			defer time.AfterFunc(time.Duration(f.rng.IntN(5))*time.Millisecond, cancel).Stop()
		}
	}
	res, err := transport.RoundTrip(r)
	if err != nil {
		return true, unlessGone(asking, err)
	}
	defer res.Body.Close()
	var page feedPage
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil {
		return true, unlessGone(asking, err)
	}
	if res.StatusCode != http.StatusOK || page.Next == "" {
		return false, fmt.Errorf("%s: %+v", res.Status, page)
	}
	for i := range page.Items {
		f.saw(&page.Items[i])
	}
	f.at = page.Next
	return len(page.Items) > 0, nil
}

// stream reads some events, and goes away. A stream that nothing more comes on is
// left when the writers are done.
func (f *follower) stream(ctx context.Context, done <-chan struct{}) error {
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	var headers []string
	if f.at != "" {
		headers = []string{"Last-Event-ID", f.at}
	}
	e, err := follow(asking, f.url+f.feed, headers...)
	if err != nil {
		return err
	}
	defer e.body.Close()
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-done:
			cancel()
		case <-ended:
		}
	}()
	for range 1 + f.rng.IntN(20) {
		c, err := e.change()
		if err != nil {
			return unlessGone(asking, err)
		}
		f.saw(&c)
		f.at = e.last
	}
	return nil
}

// unlessGone returns an error that does not come of giving up.
func unlessGone(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return err
}
