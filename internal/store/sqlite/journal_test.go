package sqlite

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch/internal/audit"
	"github.com/ifmatch/ifmatch/internal/store"
)

// journal is what the clients know that saw the power go.
type journal struct {
	disk *disk
	mu   sync.Mutex
	all  map[store.ID]*store.Commit // whatever was sent
	acks map[store.ID]store.Receipt // answered before the cut
	// Heads that were shown before the cut, by reads, receipts and refusals.
	shown    map[store.Ref]map[int64]store.Head
	refused  map[store.ID]bool
	versions map[store.Ref]int64 // the greatest that was shown
}

func newJournal(d *disk) *journal {
	return &journal{
		disk: d, all: make(map[store.ID]*store.Commit), acks: make(map[store.ID]store.Receipt),
		shown: make(map[store.Ref]map[int64]store.Head), refused: make(map[store.ID]bool), versions: make(map[store.Ref]int64),
	}
}

func (j *journal) sent(c *store.Commit) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.all[c.ID] = c
}

func (j *journal) answered(c *store.Commit, r store.Receipt, stale *store.StaleError) {
	j.disk.ifOn(func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		heads := r.Heads
		if stale != nil {
			j.refused[c.ID], heads = true, stale.Heads
		} else {
			j.acks[c.ID] = r
		}
		for i := range heads {
			j.show(&heads[i])
		}
	})
}

func (j *journal) read(h *store.Head) {
	j.disk.ifOn(func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.show(h)
	})
}

func (j *journal) show(h *store.Head) {
	if j.shown[h.Ref] == nil {
		j.shown[h.Ref] = make(map[int64]store.Head)
	}
	j.shown[h.Ref][h.Rev] = *h
	j.versions[h.Ref] = max(j.versions[h.Ref], h.Next-1)
}

// check opens the store in a file and holds it against the journal.
func (j *journal) check(t *testing.T, path string) {
	t.Helper()
	s, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatalf("what the power cut left cannot be opened: %v", err)
	}
	defer s.Close()
	j.hold(t, s)
}

// hold fails where the store contradicts the journal.
func (j *journal) hold(t *testing.T, s *Store) {
	t.Helper()
	report, err := audit.Verify(context.Background(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		t.Errorf("verify: %s rev %d: %s", f.Ref.ID, f.Rev, f.Message)
	}
	j.checkLog(t, s)
	j.checkHeads(t, s)
	j.settle(t, s)
}

// place is where a log row belongs.
type place struct {
	ref store.Ref
	rev int64
}

// checkLog holds the log against what was acknowledged, shown and refused.
func (j *journal) checkLog(t *testing.T, s *Store) {
	rows, count := make(map[place]*store.Entry), make(map[store.ID]int)
	if err := s.ScanLog(context.Background(), func(e *store.Entry) error {
		rows[place{e.Ref, e.Rev}] = e
		count[e.CommitID]++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for id, n := range count {
		c := j.all[id]
		switch {
		case c == nil:
			t.Errorf("commit %x stands in the log and nobody sent it", id)
		case j.refused[id]:
			t.Errorf("commit %x was refused and stands in the log", id)
		case n != len(c.Writes):
			t.Errorf("commit %x has %d of its %d log rows", id, n, len(c.Writes))
		}
	}
	for id := range j.acks {
		for i := range j.all[id].Writes {
			w := &j.all[id].Writes[i]
			e := rows[place{w.Ref, w.Rev + 1}]
			switch {
			case w.Ref.Part.Collection == doomed: // purged with its log
			case e == nil:
				t.Errorf("%s rev %d was acknowledged and is lost", w.Ref.ID, w.Rev+1)
			case e.CommitID != id || e.Version != w.Version || !bytes.Equal(e.Body, w.Body):
				t.Errorf("%s rev %d was acknowledged and is something else", w.Ref.ID, w.Rev+1)
			}
		}
	}
	for ref, heads := range j.shown {
		for rev, h := range heads {
			if rev == 0 || ref.Part.Collection == doomed {
				continue
			}
			if e := rows[place{ref, rev}]; e == nil || e.Digest != h.Digest {
				t.Errorf("%s rev %d was shown and is not there", ref.ID, rev)
			}
		}
	}
}

// checkHeads holds the documents and the stored answers against the journal.
func (j *journal) checkHeads(t *testing.T, s *Store) {
	for ref, heads := range j.shown {
		d, err := s.Get(context.Background(), ref)
		if err != nil {
			t.Fatal(err)
		}
		if d.Next <= j.versions[ref] {
			t.Errorf("%s would give version %d out again after %d", ref.ID, d.Next, j.versions[ref])
		}
		for rev := range heads {
			if d.Rev < rev && ref.Part.Collection != doomed {
				t.Errorf("%s stands at rev %d and was shown at %d", ref.ID, d.Rev, rev)
			}
		}
	}
	for id := range j.acks {
		k := j.all[id].Key
		if k == nil {
			continue
		}
		if a, err := s.Answer(context.Background(), k.Scope, k.Key); err != nil || !bytes.Equal(a.Content, k.Content) {
			t.Errorf("the stored answer of commit %x is lost: %v", id, err)
		}
	}
}

// settle runs every commit again: what was acknowledged is acknowledged again,
// and nothing happens twice.
func (j *journal) settle(t *testing.T, s *Store) {
	all := slices.Collect(maps.Values(j.all))
	inParallel(cutWriters, func(n int) {
		for i := n; i < len(all); i += cutWriters {
			if all[i].Writes[0].Ref.Part.Collection != doomed {
				j.settleOne(t, s, all[i])
			}
		}
	})
	count := make(map[store.ID]int)
	if err := s.ScanLog(context.Background(), func(e *store.Entry) error {
		count[e.CommitID]++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for id, n := range count {
		if n > len(j.all[id].Writes) {
			t.Errorf("commit %x was made twice", id)
		}
	}
}

func (j *journal) settleOne(t *testing.T, s *Store, c *store.Commit) {
	again, err := s.Commit(context.Background(), c)
	first, acknowledged := j.acks[c.ID]
	var stale *store.StaleError
	switch {
	case err != nil && !errors.As(err, &stale):
		t.Errorf("running commit %x again: %v", c.ID, err)
	case acknowledged && err != nil:
		t.Errorf("commit %x was acknowledged and is refused when it is run again", c.ID)
	case acknowledged && again.Heads[0].Version != first.Heads[0].Version:
		t.Errorf("commit %x has version %d now and had %d", c.ID, again.Heads[0].Version, first.Heads[0].Version)
	}
}
