package engine

import (
	"cmp"
	"context"
	"slices"

	"github.com/ifmatch/ifmatch/internal/store"
)

// queueForAll waits, after a lost race, for the group's turn at every document. The
// documents are queued for in one order by all groups, and nobody else waits for one
// turn while having another, so that no two wait for each other.
func (g *group) queueForAll(ctx context.Context) error {
	if g.inLine {
		return nil
	}
	g.leaveQueues()
	g.inLine = true
	return g.joinQueues(ctx, true)
}

// joinQueues waits for the group's turn at the documents that have a queue, or with
// create at all of them. It fails with a *MemberError.
func (g *group) joinQueues(ctx context.Context, create bool) error {
	if !create && g.engine.queues.open.Load() == 0 {
		return nil
	}
	order := make([]int, 0, len(g.writes))
	for i, w := range g.writes {
		if !w.intent.posted { // else its document is new
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(i, j int) int {
		return cmp.Or(compareRefs(&g.writes[i].intent.Ref, &g.writes[j].intent.Ref), i-j)
	})
	for n, i := range order {
		if n > 0 && g.writes[order[n-1]].intent.Ref == g.writes[i].intent.Ref {
			continue // both only check it
		}
		if err := g.writes[i].takeTurn(ctx, create); err != nil {
			return g.refused(i, err)
		}
	}
	return nil
}

func compareRefs(a, b *store.Ref) int {
	return cmp.Or(cmp.Compare(a.Part.Collection, b.Part.Collection), cmp.Compare(a.Part.Params, b.Part.Params), cmp.Compare(a.ID, b.ID))
}

// takeTurn waits for the write's turn at its document, and until all that was submitted
// before it is decided: a group builds on what the store has.
func (w *write) takeTurn(ctx context.Context, create bool) error {
	if err := w.queueUp(ctx, create); err != nil || !w.hasTurn {
		return err
	}
	for p := w.queue.ahead.newest(); p != nil; p = w.queue.ahead.newest() {
		select {
		case <-p.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (g *group) leaveQueues() {
	for _, w := range g.writes {
		w.leaveQueue()
	}
}
