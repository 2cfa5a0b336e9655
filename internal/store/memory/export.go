package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/ifmatch/ifmatch/internal/store"
)

// Export implements [store.Exporter]. The snapshot is taken first, so yield may call
// the store and commits go on meanwhile.
func (s *Store) Export(ctx context.Context, yield func(store.Piece) error) error {
	var all []store.Piece
	err := s.read(ctx, func() error {
		all = s.pieces()
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range all {
		if err := yield(p); err != nil {
			return err
		}
	}
	return nil
}

// pieces are all that the store holds, in order. The caller holds a mutex.
func (s *Store) pieces() []store.Piece {
	all := []store.Piece{{Whole: &store.Whole{
		Lanes: 1, Newest: store.Mark{int64(len(s.log))}, Pruned: store.Mark{s.pruned}, Floor: s.floor, About: int64(len(s.log)),
	}}}
	parts := slices.SortedFunc(maps.Keys(s.parts), func(a, b store.Part) int {
		return compareRefs(store.Ref{Part: a}, store.Ref{Part: b})
	})
	for _, name := range parts {
		p := s.parts[name]
		all = append(all, store.Piece{Part: &store.PartPiece{Part: name, Floor: p.floor, Pruned: store.Mark{p.pruned}}})
	}
	for _, collection := range slices.Sorted(maps.Keys(s.indexes)) {
		if names := s.indexes[collection]; len(names) > 0 {
			all = append(all, store.Piece{Indexes: &store.IndexSet{Collection: collection, Names: names}})
		}
	}
	var rows []store.Piece
	for _, name := range parts {
		p := s.parts[name]
		for _, id := range slices.Sorted(maps.Keys(p.documents)) {
			r := p.documents[id]
			all = append(all, store.Piece{Document: &store.DocumentPiece{Head: atFloor(r.doc, p.floor).Head, Fence: r.fence, Keys: r.keys}})
			for _, k := range slices.SortedFunc(maps.Keys(r.rows), func(a, b rowKey) int {
				return cmp.Or(strings.Compare(a.kind, b.kind), strings.Compare(a.id, b.id))
			}) {
				row := r.rows[k]
				rows = append(rows, store.Piece{Row: &row})
			}
		}
	}
	return slices.Concat(all, rows, s.claimPieces(), s.logPieces())
}

func (s *Store) claimPieces() (all []store.Piece) {
	for _, k := range slices.SortedFunc(maps.Keys(s.claims), func(a, b claimKey) int {
		return cmp.Or(compareRefs(store.Ref{Part: a.part}, store.Ref{Part: b.part}), strings.Compare(a.index, b.index), strings.Compare(a.value, b.value))
	}) {
		all = append(all, store.Piece{Claim: &store.Claim{Part: k.part, Index: k.index, Value: k.value, ID: s.claims[k].id}})
	}
	return all
}

// logPieces are the log and, behind it, the answers.
func (s *Store) logPieces() (all []store.Piece) {
	for _, e := range s.log {
		if e != nil {
			entry := *e
			all = append(all, store.Piece{Entry: &entry})
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(s.answers), func(a, b answerKey) int {
		return cmp.Or(strings.Compare(a.scope, b.scope), strings.Compare(a.key, b.key))
	}) {
		all = append(all, store.Piece{Answer: &store.AnswerPiece{Scope: k.scope, Key: k.key, Answer: s.answers[k]}})
	}
	return all
}
