package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// MaxParked is how many parked writes a document has at most, so that nobody fills
// the store with what nobody decides. One more is refused as a merge would refuse
// it, and is not kept.
const MaxParked = 100

// planParked keeps a stale write that is to be merged where that was refused, with
// err, for what it disputes. Any other refusal stands.
func (w *write) planParked(ctx context.Context, base *store.Entry, s *weighed, p plan, err error) (plan, error) {
	refusal, refused := errors.AsType[*Refusal](err)
	if !refused || refusal.Conflict == nil || len(refusal.Conflict.Disputes) == 0 {
		return p, err
	}
	if _, can := w.engine.store.(store.RowReader); !can {
		p.granted = ""
		return p, err
	}
	// What would be refused for itself is not worth anybody's decision.
	if faults := w.intent.Rules.Faults(s.wholeBase, s.whole.value); len(faults) > 0 {
		return p, &Refusal{Reason: ReasonInvalid, Current: w.current, Faults: w.intent.Rules.told(faults, s.wholeBase, s.whole.value, w.view)}
	}
	open, past, err := w.engine.parkedRows(ctx, &w.current.Head)
	if err != nil {
		return p, w.failed(err)
	}
	refusal.Reason, refusal.RetryAfter = ReasonMergeConflict, 0
	parked := &ParkedWrite{ID: idOfParked(w.intent.Actor.Name, base, s), By: w.intent.Actor, At: w.engine.stamp(), Base: base, Yours: s.whole.body, tests: s.tests}
	if w.intent.Rules.Readers != nil {
		if parked.ID, err = w.secretID(ctx, open, parked); err != nil {
			return p, w.failed(err)
		}
	}
	p.unchanged = slices.ContainsFunc(open, func(o *ParkedWrite) bool { return o.ID == parked.ID })
	if !p.unchanged && len(open) >= MaxParked {
		p.granted, refusal.Crowded = "", true
		return p, refusal
	}
	refusal.Parked = parked.ID
	p.parked, p.result, p.content = refusal, Parked, store.ContentTouch
	if p.rows, err = parked.rows(); err != nil {
		return p, w.failed(err)
	}
	p.rows = append(p.rows, withoutParked(base.Ref, past...)...)
	p.decisions, err = encodeDecisions(&note{Conflict: parked.ID}, nil, "")
	return p, err
}

// park keeps a write, unless it is kept already, and answers it: with an outcome
// where its caller asked for that, else with a refusal, so that nobody takes it for
// saved.
func (w *write) park(ctx context.Context, p *plan) (*Outcome, error) {
	carryOut := w.commit
	if p.unchanged {
		carryOut = w.unchanged
	}
	out, err := carryOut(ctx, p)
	if err == nil && p.refused() {
		return nil, p.parked
	}
	return out, err
}

// refused tells of a write that is kept, and refused all the same.
func (p *plan) refused() bool { return p.parked != nil && p.granted != StrategyPark }

// secretID returns the id of the same write where it is open already, else a new one.
// One that is made of the write would let its readers try what they do not see of it.
func (w *write) secretID(ctx context.Context, open []*ParkedWrite, parked *ParkedWrite) (string, error) {
	for _, o := range open {
		if o.By.Name != parked.By.Name || o.Base.Version != parked.Base.Version || !slices.EqualFunc(o.tests, parked.tests, slices.Equal[jsonvalue.Pointer]) {
			continue
		}
		there, err := w.engine.loadBodies(ctx, o)
		if err != nil {
			return "", err
		}
		if there && bytes.Equal(o.Yours, parked.Yours) {
			return o.ID, nil
		}
	}
	return w.engine.freshID(), nil
}

// idOfParked makes the id of a write of what makes it the same write again: who
// wrote it, what they had read, and what they wanted.
func idOfParked(by string, base *store.Entry, s *weighed) string {
	h := sha256.New()
	text := func(s []byte) {
		h.Write(binary.AppendUvarint(nil, uint64(len(s))))
		h.Write(s)
	}
	text([]byte(by))
	h.Write(binary.AppendVarint(binary.AppendVarint(nil, base.Life), base.Version))
	text(s.mine.body)
	for _, at := range s.tests {
		text([]byte(at.String()))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
