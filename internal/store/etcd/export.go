package etcd

import (
	"context"

	"github.com/ifmatch/ifmatch/internal/store"
)

// Export implements [store.Exporter].
func (s *Store) Export(ctx context.Context, yield func(store.Piece) error) error {
	return s.scanning(ctx, func(v *snapshot, yielded *bool) error {
		x := &export{s: s, v: v, st: s.newState(), yield: func(p store.Piece) error { *yielded = true; return yield(p) }}
		if err := v.read(ctx, x.st.getTail()); err != nil {
			return err
		}
		t := &x.st.tail
		if err := x.yield(store.Piece{Whole: &store.Whole{
			Lanes: 1, Newest: store.Mark{t.Position}, Pruned: store.Mark{t.Pruned}, Floor: t.Floor, About: t.Position,
		}}); err != nil {
			return err
		}
		for _, step := range []func(context.Context) error{x.parts, x.indexes, x.documents, x.rows, x.claims, x.log, x.answers} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// export is one walk over all that a store holds.
type export struct {
	s     *Store
	v     *snapshot
	st    *state
	yield func(store.Piece) error
	all   []namedPart
	whole map[string]bool // collections whose documents are under all of their indexes
}

// walk yields the keys of a kind, each with the texts that it names.
func (x *export) walk(ctx context.Context, kind string, names int, yield func(texts []string, value []byte) error) error {
	from := x.s.keys.key(kind)
	return x.v.walk(ctx, from, end(from), chunk, func(key, value []byte) (bool, error) {
		texts := make([]string, names)
		rest := string(key[len(from):])
		for i := range texts {
			var err error
			if texts[i], rest, err = unescape(rest); err != nil {
				return false, err
			}
		}
		return true, yield(texts, value)
	})
}

func (x *export) parts(ctx context.Context) error {
	return x.walk(ctx, kindParts, 2, func(texts []string, value []byte) error {
		p := part{}
		if err := decode(value, &p); err != nil {
			return err
		}
		name := store.Part{Collection: texts[0], Params: texts[1]}
		floor := max(p.Floor, x.st.tail.Floor)
		x.all = append(x.all, namedPart{name, floor})
		return x.yield(store.Piece{Part: &store.PartPiece{Part: name, Floor: floor, Pruned: store.Mark{p.Pruned}}})
	})
}

func (x *export) indexes(ctx context.Context) error {
	x.whole = make(map[string]bool)
	return x.walk(ctx, kindIndexes, 1, func(texts []string, value []byte) error {
		under := indexes{}
		if err := decode(value, &under); err != nil || !under.Whole || len(under.Names) == 0 {
			return err
		}
		x.whole[texts[0]] = true
		return x.yield(store.Piece{Indexes: &store.IndexSet{Collection: texts[0], Names: under.Names}})
	})
}

func (x *export) documents(ctx context.Context) error {
	for _, p := range x.all {
		if err := x.s.walkHeads(ctx, x.v, p.name, "", chunk, func(ref store.Ref, h *head) (bool, error) {
			d := &store.DocumentPiece{Head: h.of(ref, p.floor), Fence: h.Fence}
			if x.whole[ref.Part.Collection] {
				d.Keys = h.keys()
			}
			return true, x.yield(store.Piece{Document: d})
		}); err != nil {
			return err
		}
	}
	return nil
}

func (x *export) rows(ctx context.Context) error {
	return x.walk(ctx, kindRows, 5, func(t []string, value []byte) error {
		ref := store.Ref{Part: store.Part{Collection: t[0], Params: t[1]}, ID: t[2]}
		return x.yield(store.Piece{Row: &store.Row{Ref: ref, Kind: t[3], ID: t[4], Value: value}})
	})
}

func (x *export) claims(ctx context.Context) error {
	return x.walk(ctx, kindClaims, 4, func(t []string, value []byte) error {
		return x.yield(store.Piece{Claim: &store.Claim{Part: store.Part{Collection: t[0], Params: t[1]}, Index: t[2], Value: t[3], ID: string(value)}})
	})
}

func (x *export) log(ctx context.Context) error {
	return x.s.walkLog(ctx, x.v, x.st.tail.Position, func(e *store.Entry) error {
		return x.yield(store.Piece{Entry: e})
	})
}

func (x *export) answers(ctx context.Context) error {
	return x.walk(ctx, kindAnswers, 2, func(t []string, value []byte) error {
		a, err := decodeAnswer(value)
		if err != nil {
			return err
		}
		return x.yield(store.Piece{Answer: &store.AnswerPiece{Scope: t[0], Key: t[1], Answer: a.of()}})
	})
}
