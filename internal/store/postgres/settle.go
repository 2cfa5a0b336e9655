package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ifmatch/ifmatch/internal/store"
)

// ours tells whether a refused member stands in the log under its own ID: then it was
// carried out when it ran before.
func (o *outcome) ours(m *member) bool {
	for i := range m.commit.Writes {
		if !o.wrote(m, i).ours {
			return false
		}
	}
	return len(m.commit.Writes) > 0
}

// settled rebuilds a row's head: c is the row that wrote the content, b the one before it.
const settled = `SELECT l.rev, l.version, l.life, c.action = 'delete', c.at, coalesce(b.at / 1000000 = c.at / 1000000, false), c.digest, l.link, l.position,
		CASE WHEN d.rev = l.rev THEN d.lease END, d.fence, d.lease_until
	FROM log l JOIN documents d ON d.part = l.part AND d.id = l.id
	CROSS JOIN LATERAL (SELECT * FROM log o WHERE o.part = l.part AND o.id = l.id AND o.rev <= l.rev AND o.action <> 'touch' ORDER BY o.rev DESC LIMIT 1) c
	LEFT JOIN LATERAL (SELECT o.at FROM log o WHERE o.part = l.part AND o.id = l.id AND o.rev < c.rev AND o.action <> 'touch' ORDER BY o.rev DESC LIMIT 1) b ON true
	WHERE l.part = $1 AND l.id = $2 AND l.rev = $3`

// settle returns the receipt of a commit that was carried out when it ran before. What
// it finds may not be on the standbys yet, so that something that comes after it is
// replicated first.
func (s *Store) settle(ctx context.Context, c *store.Commit) (store.Receipt, error) {
	var r store.Receipt
	if err := s.replicate(ctx); err != nil {
		return r, err
	}
	for i := range c.Writes {
		w := &c.Writes[i]
		h := store.Head{Ref: w.Ref}
		var at, until, fence int64
		var sum []byte
		var lease *string
		err := s.pools.read.QueryRow(ctx, settled, s.number(w.Ref.Part), w.Ref.ID, w.Rev+1).Scan(
			&h.Rev, &h.Version, &h.Life, &h.Deleted, &at, &h.SameSecond, &sum, &h.Link, &h.Position, &lease, &fence, &until)
		if err != nil {
			return store.Receipt{}, err
		}
		h.Next, h.At, h.Entries = h.Version+1, time.UnixMicro(at).UTC(), h.Rev
		h.Digest = digest(sum)
		if lease != nil {
			h.Lease = &store.Lease{ID: *lease, Fence: fence, Expires: time.UnixMicro(until).UTC()}
		}
		if w.Lease.Op == store.LeaseGrant {
			r.Fence = fence
		}
		r.Heads = append(r.Heads, h)
	}
	return r, nil
}

// replicate makes a change that means nothing and waits until the standbys have it,
// where there are any that commits wait for: then they have all that came before.
func (s *Store) replicate(ctx context.Context) error {
	before := s.pools.unreplicated.Load()
	_, err := s.pools.write.Exec(ctx, "UPDATE meta SET value = now()::text WHERE key = 'barrier'")
	if err == nil && s.pools.unreplicated.Load() != before {
		err = errUnreplicated
	}
	return err
}

// noRows tells whether a query of one row found none.
func noRows(err error) bool { return err == pgx.ErrNoRows }
