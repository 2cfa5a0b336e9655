//go:build unix

package torture_test

import (
	"testing"
	"time"
)

// TestEtcd kills the leader of three members, and cuts it off from the others.
func TestEtcd(t *testing.T) {
	t.Parallel()
	c := newTrio(t, 2)
	seed := uint64(time.Now().UnixNano())
	endure(t, c, seed, clients, scaled(1, 1, 12), &deposed{trio: c}, &secluded{trio: c}, kill{c.nodes[0]}, storm{c.nodes[1].front, newDice(seed)})
}

func TestFeedOfEtcd(t *testing.T) {
	t.Parallel()
	c := newTrio(t, 2)
	d := newDice(1)
	var delays []jitter
	for _, m := range c.members {
		delays = append(delays, jitter{m.peer, d})
	}
	feed(t, c, delays...)
}
