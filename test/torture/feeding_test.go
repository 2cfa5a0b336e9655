//go:build unix

package torture_test

import (
	"testing"
	"time"
)

// jitter holds back what passes a link for a moment, each chunk for another.
type jitter struct {
	*link
	*dice
}

func (j jitter) rule(*chunk) fate {
	after := make(chan struct{})
	time.AfterFunc(time.Duration(j.roll(4000))*time.Microsecond, func() { close(after) })
	return fate{after: after}
}

// feed has 16 clients write until there are so many changes, while commits take now
// longer and now shorter, and holds what followers saw against what there is.
func feed(t *testing.T, c cluster, delays ...jitter) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	changes := scaled(300, 500, 50_000)
	following := startFollowers(t, 1, c.urls())
	l := newLoad(t, seed, 16, c.urls())
	for _, d := range delays {
		d.obey(d.rule)
	}
	for done := 0; done < changes; done += changes / 100 {
		l.progress(changes / 100) // each of them within patience
	}
	l.end()
	for _, d := range delays {
		d.obey(nil)
	}
	found, judged := l.judge(following.agree(t, c.urls()))
	for _, f := range found {
		t.Error(f)
	}
	t.Logf("%d operations judged", judged)
	c.verify()
}

func TestFeedOfSQLite(t *testing.T) {
	t.Parallel()
	c := newSingle(t)
	feed(t, c, jitter{c.front, newDice(1)})
}

// TestFeedOfPostgres delays what goes to the database, so that commits overtake each other.
func TestFeedOfPostgres(t *testing.T) {
	t.Parallel()
	c := newReplicated(t)
	c.serve(2)
	d := newDice(1)
	feed(t, c, jitter{c.hosts[0].link, d}, jitter{c.hosts[1].link, d})
}
