package audit

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Report is what Verify found.
type Report struct {
	Documents  int // live ones
	Tombstones int
	Rows       int // of the log
	Sealed     int // rows whose chain link was verified
	IndexRows  int // of all indexes
	Findings   []Finding
	// More counts findings beyond those that are listed.
	More int
}

// Finding is one contradiction in a store.
type Finding struct {
	Ref     store.Ref
	Rev     int64 // 0 where it concerns the whole document
	Message string
}

// MaxFindings bounds a report; one broken invariant can show in every row.
const MaxFindings = 100

// OK tells whether nothing was found.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

func (r *Report) add(ref store.Ref, rev int64, format string, args ...any) {
	if len(r.Findings) == MaxFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, Finding{Ref: ref, Rev: rev, Message: fmt.Sprintf(format, args...)})
}

// Verify checks that documents, history, audit, feed and indexes tell the same story:
// positions ascend, revs and versions have no gaps, no commit stands twice,
// digests fit their bodies, the audit chain holds, every document stands where its
// last log row left it, and the indexes have the rows that its body has there. A nil
// chain leaves the links unverified. The error is one of reading; contradictions are
// findings.
func Verify(ctx context.Context, s store.Scanner, chain *Chain) (*Report, error) {
	v := verification{chain: chain, tails: make(map[store.Ref]*tail), floor: func(store.Part) (int64, error) { return 0, nil }}
	if floors, ok := s.(store.FloorReader); ok {
		v.floor = func(p store.Part) (int64, error) { return floors.Floor(ctx, p) }
	}
	if indexer, ok := s.(store.Indexer); ok {
		v.indexes = &indexCheck{ctx: ctx, store: indexer, report: &v.report, under: make(map[string]*indexSet), want: make(map[rowID]bool)}
	}
	if err := s.CheckIntegrity(ctx); err != nil {
		return nil, err
	}
	if err := s.ScanLog(ctx, v.row); err != nil {
		return nil, err
	}
	if err := s.ScanDocuments(ctx, v.document); err != nil {
		return nil, err
	}
	if err := v.verifyIndexes(ctx, s); err != nil {
		return nil, err
	}
	for ref := range v.tails {
		v.report.add(ref, 0, "has a history but no document row")
	}
	return &v.report, nil
}

type verification struct {
	report  Report
	chain   *Chain
	feed    store.Mark
	tails   map[store.Ref]*tail
	floor   func(store.Part) (int64, error)
	indexes *indexCheck // nil where the store keeps none
}

// tail is where the log has left a document so far.
type tail struct {
	rev, version, life, entries, position int64
	changed                               time.Time // of the last row that changed the content
	deleted                               bool
	digest                                [32]byte
	link                                  []byte
	commit                                store.ID
}

func (v *verification) row(e *store.Entry) error {
	v.report.Rows++
	if last := v.feed.At(e.Lane); e.Position <= last {
		v.report.add(e.Ref, e.Rev, "feed position %d follows %d", e.Position, last)
	}
	v.feed = v.feed.With(e.Lane, e.Position)
	t := v.tails[e.Ref]
	if t == nil {
		t = &tail{deleted: true}
		v.tails[e.Ref] = t
	}
	if err := v.succession(t, e); err != nil {
		return err
	}
	v.content(e)
	if v.chain != nil {
		switch good, known := v.chain.verify(t.link, e); {
		case good:
			v.report.Sealed++
		case known:
			v.report.add(e.Ref, e.Rev, "the audit chain breaks here: the row, or one before it, is not what was written")
		default:
			v.report.add(e.Ref, e.Rev, "the audit chain cannot be verified here: the row is sealed under no key of the ring")
		}
	}
	changed := e.At
	if e.Action == store.ActionTouch {
		changed = t.changed
	}
	*t = tail{
		rev: e.Rev, version: e.Version, life: e.Life, entries: t.entries + 1, position: e.Position,
		changed: changed,
		deleted: e.Action == store.ActionDelete || e.Action == store.ActionTouch && t.deleted,
		digest:  e.Digest, link: bytes.Clone(e.Link), commit: e.CommitID,
	}
	return nil
}

// succession checks that e follows what the log says before it. A version may
// jump only over a floor that a purge has raised.
func (v *verification) succession(t *tail, e *store.Entry) error {
	if e.Rev != t.rev+1 {
		v.report.add(e.Ref, e.Rev, "rev %d follows rev %d", e.Rev, t.rev)
	}
	born := t.deleted && e.Action != store.ActionDelete && e.Action != store.ActionTouch
	switch {
	case e.Action == store.ActionTouch && e.Version != t.version:
		v.report.add(e.Ref, e.Rev, "version moved from %d to %d without a change", t.version, e.Version)
	case e.Action != store.ActionTouch && e.Version != t.version+1:
		floor, err := v.floor(e.Ref.Part)
		if err != nil {
			return err
		}
		if e.Version <= t.version || !born && e.Version > floor+1 {
			v.report.add(e.Ref, e.Rev, "version %d follows version %d", e.Version, t.version)
		}
	}
	if born && e.Life != t.life+1 || !born && e.Life != t.life {
		v.report.add(e.Ref, e.Rev, "life %d follows life %d", e.Life, t.life)
	}
	if e.At.Before(t.changed) { // the time of a touch is kept nowhere but in its row
		v.report.add(e.Ref, e.Rev, "written at %s, before the content that it follows", e.At.Format(time.RFC3339Nano))
	}
	if t.rev > 0 && e.CommitID == t.commit {
		v.report.add(e.Ref, e.Rev, "the same commit stands twice")
	}
	return nil
}

func (v *verification) content(e *store.Entry) {
	if e.Action == store.ActionDelete || e.Action == store.ActionTouch || e.Body == nil {
		return
	}
	if d, err := digestOf(e.Body); err != nil {
		v.report.add(e.Ref, e.Rev, "the body cannot be read: %v", err)
	} else if d != e.Digest {
		v.report.add(e.Ref, e.Rev, "the body is not the one that was digested")
	}
}

func digestOf(body []byte) ([32]byte, error) {
	value, err := parse(body)
	if err != nil {
		return [32]byte{}, err
	}
	return value.Digest(), nil
}

// parse reads a stored body, however deep: limits that were lowered since do not
// make it unreadable.
func parse(body []byte) (jsonvalue.Value, error) {
	return jsonvalue.Parse(body, jsonvalue.Limits{Depth: math.MaxInt})
}

func readable(body []byte) (jsonvalue.Value, bool) {
	v, err := parse(body)
	return v, err == nil
}

func (v *verification) document(d *store.Document) error {
	if d.Deleted {
		v.report.Tombstones++
	} else {
		v.report.Documents++
	}
	t := v.tails[d.Ref]
	if t == nil {
		v.report.add(d.Ref, 0, "stands at version %d without a history", d.Version)
		return nil
	}
	delete(v.tails, d.Ref)
	switch {
	case d.Rev != t.rev || d.Version != t.version || d.Life != t.life || d.Deleted != t.deleted:
		v.report.add(d.Ref, 0, "stands at rev %d, version %d; its history ends at rev %d, version %d", d.Rev, d.Version, t.rev, t.version)
	case d.Entries != t.entries || d.Position != t.position:
		v.report.add(d.Ref, 0, "counts %d rows up to position %d; the log has %d up to %d", d.Entries, d.Position, t.entries, t.position)
	case d.Digest != t.digest || !bytes.Equal(d.Link, t.link):
		v.report.add(d.Ref, 0, "carries another digest or chain link than its last log row")
	case !d.At.Equal(t.changed):
		v.report.add(d.Ref, 0, "is dated %s; its last change was at %s", d.At.Format(time.RFC3339Nano), t.changed.Format(time.RFC3339Nano))
	case d.Next <= d.Version:
		v.report.add(d.Ref, 0, "stands at version %d and would take version %d next", d.Version, d.Next)
	}
	if !d.Deleted {
		if digest, err := digestOf(d.Body); err != nil || digest != d.Digest {
			v.report.add(d.Ref, 0, "its body is not the one that was digested")
		}
	}
	if v.indexes != nil {
		return v.indexes.document(d)
	}
	return nil
}
