package storetest

import (
	"slices"
	"sync"

	"github.com/ifmatch/ifmatch/internal/store"
)

var watchTests = []test{
	{name: "one ends with a change of its scope alone", run: watchScopes},
	{name: "one that is stopped is forgotten", run: watchStops},
	{name: "followers miss nothing", run: watchFollowed},
}

func watchScopes(r *rig) {
	f := r.feed()
	a, thing, other := ref("a"), ref("b"), in(part("others"), "a")
	for _, ref := range []store.Ref{a, thing, other} {
		r.save(ref, "1")
	}
	of := func(ref store.Ref) []store.Scope {
		return []store.Scope{{}, {Part: ref.Part}, {Part: ref.Part, ID: ref.ID, One: true}}
	}
	for name, tt := range map[string]struct {
		do   func()
		ends []store.Scope
	}{
		"a write":            {func() { r.save(a, "2") }, of(a)},
		"a deletion":         {func() { r.drop(thing) }, of(thing)},
		"a write elsewhere":  {func() { r.save(other, "2") }, of(other)},
		"a write of several": {func() { r.do(r.commit(r.put(r.get(a).Head, "3"), r.put(r.get(other).Head, "3"))) }, append(of(a), of(other)...)},
		"a touch":            {func() { r.brush(a) }, nil},
		"a dry run": {func() {
			c := r.commit(r.put(r.get(a).Head, "4"))
			c.Dry = true
			r.do(c)
		}, nil},
	} {
		watches := make(map[store.Scope]*store.Watch)
		for _, scope := range scopes() {
			watches[scope] = f.Watch(scope)
		}
		tt.do()
		for scope, w := range watches {
			ended := false
			select {
			case <-w.Changed():
				ended = true
			default:
			}
			if ended != slices.Contains(tt.ends, scope) {
				r.Errorf("%s: a watch of %+v has ended: %t", name, scope, ended)
			}
			page, err := f.Changes(ctx, store.ChangeQuery{Scope: scope, Limit: 10, After: w.Quiet()})
			if err != nil || ended != (len(page.Entries) > 0) {
				r.Errorf("%s: behind where %+v was quiet there are %d changes, %v", name, scope, len(page.Entries), err)
			}
			w.Stop()
		}
	}
}

func watchStops(r *rig) {
	f := r.feed()
	first, second := f.Watch(store.Scope{}), f.Watch(store.Scope{})
	first.Stop()
	r.save(ref("a"), "1")
	select {
	case <-second.Changed():
	default:
		r.Error("a watch has ended with that of another")
	}
	second.Stop()
	third := f.Watch(store.Scope{})
	defer third.Stop()
	select {
	case <-third.Changed():
		r.Error("a watch ends with a change from before it")
	default:
	}
}

// watchFollowed has followers read to the end and wait for more while many write.
func watchFollowed(r *rig) {
	f := r.feed()
	var writers, followers sync.WaitGroup
	for w := range 16 {
		writers.Go(func() {
			for range 20 {
				if c := r.attempt(in(part([]string{"things", "others"}[w%2]), bodyf("%d", w%5))); c != nil {
					if _, err := r.s.Commit(ctx, c); err != nil && !isA[*store.StaleError](err) {
						r.Errorf("Commit: %v", err)
					}
				}
			}
		})
	}
	followed := make(map[store.Scope][]store.Entry)
	var mu sync.Mutex
	done := make(chan struct{})
	for _, scope := range []store.Scope{{}, {Part: part("things")}, {Part: part("others"), ID: bodyf("1"), One: true}} {
		followers.Go(func() {
			seen, err := follow(f, store.ChangeQuery{Scope: scope, Limit: 3}, done)
			if err != nil {
				r.Errorf("following %+v: %v", scope, err)
			}
			mu.Lock()
			defer mu.Unlock()
			followed[scope] = seen
		})
	}
	writers.Wait()
	close(done)
	followers.Wait()
	for scope, seen := range followed {
		r.sameEntries("what was followed", seen, r.changesOf(scope))
	}
}

// follow reads until done is closed, and then to the end.
func follow(f store.Feed, q store.ChangeQuery, done <-chan struct{}) (seen []store.Entry, err error) {
	for last := false; ; {
		w := f.Watch(q.Scope)
		page, err := f.Changes(ctx, q)
		if err != nil {
			w.Stop()
			return seen, err
		}
		seen = append(seen, page.Entries...)
		q.After = page.Last
		if page.Last.Covers(page.Newest) {
			if last {
				w.Stop()
				return seen, nil
			}
			select {
			case <-w.Changed():
				q.After = q.After.Join(w.Quiet())
			case <-done:
				last = true
			}
		}
		w.Stop()
	}
}
