//go:build unix

package torture_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"
)

// follower follows the feed of all collections, over whatever happens to the servers.
type follower struct {
	t     *testing.T
	http  *http.Client
	nodes []string
	next  int // the node that is asked next
	at    string
	seen  record
	count int
}

// item is one change in a feed.
type item struct {
	Path    string
	Version int64
	Action  string
	Data    body
}

// follow asks one node after the other until ctx ends.
func follow(ctx context.Context, t *testing.T, nodes []string) *follower {
	f := &follower{t: t, http: &http.Client{Timeout: answerIn, Transport: &http.Transport{}}, nodes: nodes, seen: make(record)}
	for ctx.Err() == nil && !t.Failed() {
		if _, err := f.page(ctx, "wait=2"); err != nil {
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	}
	return f
}

// page takes what comes behind the last cursor, and returns how much it was. A page that is cut off counts for nothing.
func (f *follower) page(ctx context.Context, prefer string) (int, error) {
	query := url.Values{"limit": {"100"}, "include": {"data"}}
	if f.at != "" {
		query.Set("since", f.at)
	}
	node := f.nodes[f.next%len(f.nodes)]
	f.next++
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, node+"/_changes?"+query.Encode(), nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Prefer", prefer)
	res, err := f.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	var page struct {
		Items []item
		Next  string
	}
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil {
		return 0, err
	}
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusServiceUnavailable:
		return 0, fmt.Errorf("%s", res.Status)
	default:
		f.t.Errorf("behind %q the feed answers %s", f.at, res.Status)
	}
	for i := range page.Items {
		it := &page.Items[i]
		f.seen[it.Path] = append(f.seen[it.Path], change{version: it.Version, deleted: it.Action == "delete", log: it.Data.text()})
		f.count++
	}
	f.at = page.Next
	return len(page.Items), nil
}

// rest takes what is left, when nothing is written any more. Empty pages come from each
// node before it is believed.
func (f *follower) rest() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(f.t.Context()), patience)
	defer cancel()
	for empty := 0; empty <= len(f.nodes); {
		n, err := f.page(ctx, "wait=0")
		switch {
		case ctx.Err() != nil:
			f.t.Errorf("the feed does not end: %v", err)
			return
		case err != nil:
			<-time.After(pause)
		case n > 0:
			empty = 0
		default:
			empty++
		}
	}
}

// followers follow until they are asked what they have seen.
type followers struct {
	all  sync.WaitGroup
	quit context.CancelFunc
	each []*follower
}

func startFollowers(t *testing.T, n int, nodes []string) *followers {
	ctx, quit := context.WithCancel(context.WithoutCancel(t.Context()))
	fs := &followers{quit: quit, each: make([]*follower, n)}
	for i := range n {
		fs.all.Go(func() { fs.each[i] = follow(ctx, t, nodes) })
	}
	t.Cleanup(fs.stop)
	return fs
}

func (fs *followers) stop() {
	fs.quit()
	fs.all.Wait()
}

// agree holds what followers saw while everything broke against one who reads it all in
// peace, and returns what that one saw: each change once, those of a document in order.
func (fs *followers) agree(t *testing.T, nodes []string) record {
	t.Helper()
	fs.stop()
	calm := &follower{t: t, http: http.DefaultClient, nodes: nodes, seen: make(record)}
	calm.rest()
	for _, f := range fs.each {
		f.rest()
		if f.count != calm.count {
			t.Errorf("a follower has seen %d changes, and the feed has %d", f.count, calm.count)
		}
		for path, changes := range calm.seen {
			if !slices.Equal(f.seen[path], changes) {
				t.Errorf("of %s a follower has seen %v, and the feed has %v", path, f.seen[path], changes)
				break // the others are as telling
			}
		}
	}
	t.Logf("%d changes followed by %d", calm.count, len(fs.each))
	return calm.seen
}
