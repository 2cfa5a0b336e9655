package etcd

import (
	"bytes"
	"context"

	"github.com/ifmatch/ifmatch/internal/store"
)

// settle answers a commit that has happened already, as its log rows or its stored
// answer tell, with its receipt again, and any other with the refusal that it has
// earned. That makes it safe to run a commit again whose outcome nobody learnt.
func (st *state) settle(ctx context.Context, c *store.Commit, refusal error) (store.Receipt, error) {
	if len(c.Writes) == 0 {
		if c.Key != nil {
			if a := st.answers[st.s.keys.answer(c.Key.Scope, c.Key.Key)]; a != nil && bytes.Equal(a.CommitID, c.ID[:]) {
				return store.Receipt{}, nil
			}
		}
		return store.Receipt{}, refusal
	}
	rows := make([]*logRow, len(c.Writes))
	var gets []get
	for i := range c.Writes {
		w := &c.Writes[i]
		if h := st.heads[w.Ref]; h == nil || h.Rev <= w.Rev {
			return store.Receipt{}, refusal
		}
		key := st.s.keys.log(w.Ref, w.Rev+1)
		if rows[i] = st.rows[key]; rows[i] == nil {
			gets = append(gets, one(key, func(value []byte) error {
				rows[i] = &logRow{}
				return decode(value, rows[i])
			}))
		}
	}
	if err := st.snap.read(ctx, gets...); err != nil {
		return store.Receipt{}, err
	}
	var receipt store.Receipt
	for i, row := range rows {
		if row == nil || !bytes.Equal(row.CommitID, c.ID[:]) {
			return store.Receipt{}, refusal
		}
		receipt.Heads = append(receipt.Heads, row.head(c.Writes[i].Ref))
		if row.Granted != 0 {
			receipt.Fence = row.Granted
		}
	}
	return receipt, nil
}
