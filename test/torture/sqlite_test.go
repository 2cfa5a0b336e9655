//go:build unix

package torture_test

import (
	"path/filepath"
	"testing"
	"time"
)

// single is one server on one file.
type single struct {
	*testing.T
	*node
	store string
}

func newSingle(t *testing.T) *single {
	t.Helper()
	return newSingleAt(t, filepath.Join(t.TempDir(), "torture.db"))
}

func newSingleAt(t *testing.T, file string) *single {
	t.Helper()
	store := "sqlite:" + file
	return &single{T: t, node: startNode(t, store), store: store}
}

func (s *single) urls() []string { return []string{s.url()} }

func (s *single) verify() {
	if err := s.running.Terminate(s.T.Context()); err != nil {
		s.T.Error(err)
	}
	verify(s.T, s.store)
}

// scaled is how often something is done: less in a short run, much more in a long one.
func scaled(short, normal, long int) int {
	switch {
	case *torture:
		return long
	case testing.Short():
		return short
	}
	return normal
}

const clients = 32

// TestSQLite ends a server again and again, behind a network that fails too.
func TestSQLite(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	c := newSingle(t)
	d := newDice(seed)
	endure(t, c, seed, clients, scaled(2, 5, 60),
		kill{c.node}, storm{c.front, d}, terminate{c.node}, revenants{c.front, d, 0, 8}, freeze{c.node}, rupture{c.front})
}
