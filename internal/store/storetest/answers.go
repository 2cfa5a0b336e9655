package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

var answerTests = []test{
	{name: "stored and replayed", run: answerReplay},
	{name: "another request under the key", run: answerMismatch},
	{name: "expiry by the commit's clock", run: answerExpiry},
	{name: "a refusal frees the key", run: answerRefusal},
	{name: "scopes and keys are apart", run: answerSpaces},
	{name: "a replay goes before stale heads", run: answerBeforeStale},
	{name: "a commit with a key and no write", run: answerOnly},
	{name: "what has expired is forgotten", run: answerForgotten},
}

// keyed returns a commit that writes id and keeps an answer under key.
func (r *rig) keyed(id, key, request, content string) *store.Commit {
	r.Helper()
	c := r.commit(r.put(r.get(ref(id)).Head, "written for "+request))
	c.Key = &store.Key{Scope: scope, Key: key, Answer: r.answer(request, content)}
	return c
}

// replayed fails unless c is refused, without a trace, with content.
func (r *rig) replayed(c *store.Commit, content string) {
	r.Helper()
	r.unchanged("a replay", func() {
		_, err := r.s.Commit(ctx, c)
		var replayed *store.ReplayedError
		if !errors.As(err, &replayed) {
			r.Errorf("Commit of %s: error is %v, want a ReplayedError", commitLine(c), err)
		} else if string(replayed.Answer.Content) != content || replayed.Answer.Digest != c.Key.Digest {
			r.Errorf("the replayed answer is %+v, want %q", replayed.Answer, content)
		}
	})
}

func answerReplay(r *rig) {
	if a, err := r.s.Answer(ctx, scope, "k1"); !errors.Is(err, store.ErrNoEntry) {
		r.Errorf("Answer of a key never used is %+v, error %v, want ErrNoEntry", a, err)
	}
	c := r.keyed("a", "k1", "request", "answer\x00\xff")
	want := c.Key.Answer
	r.do(c)
	check := func() {
		r.Helper()
		a, err := r.s.Answer(ctx, scope, "k1")
		if err != nil {
			r.Fatalf("Answer: %v", err)
		}
		if string(a.Content) != string(want.Content) || a.Digest != want.Digest || !a.Expires.Equal(want.Expires) {
			r.Errorf("Answer is %+v, want %+v", a, want)
		}
		r.replayed(r.keyed("a", "k1", "request", "another answer"), "answer\x00\xff")
	}
	check()
	if r.reopen() {
		check()
	}
}

func answerMismatch(r *rig) {
	r.do(r.keyed("a", "k1", "request", "answer"))
	r.refused(r.keyed("a", "k1", "another request", "another answer"), store.ErrKeyMismatch)
	r.refused(r.keyed("b", "k1", "another request", "another answer"), store.ErrKeyMismatch)
}

// answerExpiry moves Commit.Now only: the driver's own clock must not matter.
func answerExpiry(r *rig) {
	c := r.keyed("a", "k1", "request", "first")
	c.Key.Expires = c.Now.Add(time.Hour)
	r.do(c)
	early := r.keyed("a", "k1", "request", "second")
	early.Now = c.Now.Add(time.Hour - time.Second)
	r.replayed(early, "first")
	late := r.keyed("a", "k1", "another request", "third")
	late.Now = c.Now.Add(time.Hour + time.Second)
	late.Key.Expires = late.Now.Add(time.Hour)
	r.do(late)
	if a, err := r.s.Answer(ctx, scope, "k1"); err != nil || string(a.Content) != "third" {
		r.Errorf("Answer is %+v, error %v, want the third", a, err)
	}
	again := r.keyed("a", "k1", "another request", "fourth")
	again.Now = late.Now
	r.replayed(again, "third")
	r.clock.advance(240 * time.Hour)
	clockOnly := r.keyed("a", "k1", "another request", "fifth")
	clockOnly.Now = late.Now
	r.replayed(clockOnly, "third")
}

func answerRefusal(r *rig) {
	c := r.keyed("a", "k1", "request", "answer")
	c.Checks = []store.Check{{Ref: ref("b"), Exists: true}}
	r.unchanged("a refusal", func() {
		_, err := r.s.Commit(ctx, c)
		r.stale(err, ref("b"))
	})
	if a, err := r.s.Answer(ctx, scope, "k1"); !errors.Is(err, store.ErrNoEntry) {
		r.Errorf("Answer after a refusal is %+v, error %v, want ErrNoEntry", a, err)
	}
	r.do(r.keyed("a", "k1", "another request", "answer"))
}

func answerSpaces(r *rig) {
	r.do(r.keyed("a", "k1", "request", "1"))
	r.do(r.keyed("a", "k2", "request", "2"))
	c := r.keyed("a", "k1", "request", "3")
	c.Key.Scope = "grace/things"
	r.do(c)
	for _, want := range []struct{ scope, key, content string }{{scope, "k1", "1"}, {scope, "k2", "2"}, {"grace/things", "k1", "3"}} {
		if a, err := r.s.Answer(ctx, want.scope, want.key); err != nil || string(a.Content) != want.content {
			r.Errorf("Answer(%s, %s) is %+v, error %v, want %s", want.scope, want.key, a, err, want.content)
		}
	}
}

// answerBeforeStale retries a write whose first try made its own rev stale.
func answerBeforeStale(r *rig) {
	c := r.keyed("a", "k1", "request", "answer")
	r.do(c)
	retry := *c
	retry.ID = newID()
	r.replayed(&retry, "answer")
	mismatch := *c
	key := *c.Key
	key.Digest = digest("another request")
	mismatch.ID, mismatch.Key = newID(), &key
	r.refused(&mismatch, store.ErrKeyMismatch)
}

func answerOnly(r *rig) {
	c := r.commit()
	c.Key = &store.Key{Scope: scope, Key: "k1", Answer: r.answer("request", "answer")}
	r.do(c)
	r.replayed(r.keyed("a", "k1", "request", "another"), "answer")
}

// answerForgotten: as many answers again, and what has expired is gone. What has
// not is there, and so is what stands under a key that was used anew.
func answerForgotten(r *rig) {
	const expiring = 5
	keep := func(key string, now, expires time.Time) {
		r.Helper()
		c := r.commit()
		c.Now = now
		c.Key = &store.Key{Scope: scope, Key: key, Answer: r.answer("request", key)}
		c.Key.Expires = expires
		r.do(c)
	}
	begin := r.commit().Now
	end := begin.Add(time.Hour)
	for i := range expiring {
		keep(fmt.Sprint("old", i), begin, end)
	}
	keep("lasting", begin, end.Add(time.Hour))
	keep("old0", end, end.Add(time.Hour))
	for i := range expiring {
		keep(fmt.Sprint("new", i), end, end.Add(time.Hour))
	}
	for i := 1; i < expiring; i++ {
		if a, err := r.s.Answer(ctx, scope, fmt.Sprint("old", i)); !errors.Is(err, store.ErrNoEntry) {
			r.Errorf("answer %d has expired and is %+v, error %v", i, a, err)
		}
	}
	for _, key := range []string{"lasting", "old0", "new0", "new4"} {
		if _, err := r.s.Answer(ctx, scope, key); err != nil {
			r.Errorf("Answer(%s): %v", key, err)
		}
	}
}
