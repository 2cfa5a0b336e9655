package postgres

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ifmatch/ifmatch/internal/store"
)

var _ store.Importer = (*Store)(nil)

// KeepsPositions implements [store.Importer]. Lanes are made of names, so that those of
// another store of this kind are the same.
func (*Store) KeepsPositions(n int) bool { return n == lanes }

const readImport = "SELECT value FROM meta WHERE key = 'import'"

// Importing implements [store.Importer].
func (s *Store) Importing(ctx context.Context) (state []byte, err error) {
	err = s.read(ctx, func(ctx context.Context) error {
		var text string
		err := s.pools.read.QueryRow(ctx, readImport).Scan(&text)
		if noRows(err) {
			state = nil
			return nil
		}
		if err == nil {
			state, err = base64.StdEncoding.DecodeString(text)
		}
		return err
	})
	return state, err
}

// Import implements [store.Importer], in one transaction.
func (s *Store) Import(ctx context.Context, i *store.Import) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	return classify(pgx.BeginFunc(ctx, s.pools.write, func(tx pgx.Tx) error {
		in := &importing{store: s}
		if err := in.begin(ctx, tx, i.State); err != nil {
			return err
		}
		for n := range i.Pieces {
			in.put(&i.Pieces[n])
		}
		if i.Done {
			in.batch.Queue("UPDATE meta SET value = $1 WHERE key = 'id'", i.ID)
			in.batch.Queue("UPDATE meta SET value = $1::bigint::text WHERE key = 'epoch'", i.Epoch)
			in.batch.Queue("DELETE FROM meta WHERE key IN ('import', 'import keeps')")
		}
		return tx.SendBatch(ctx, &in.batch).Close()
	}))
}

// importing is one step of taking another store over.
type importing struct {
	store *Store
	keeps bool // positions stay as they come
	batch pgx.Batch
}

const holdsAny = `SELECT EXISTS (SELECT FROM parts) OR EXISTS (SELECT FROM collections) OR EXISTS (SELECT FROM answers)
	OR EXISTS (SELECT FROM lanes WHERE position > 0) OR (SELECT value FROM meta WHERE key = 'floor') <> '0'`

// begin notes how far the import has come. The first time it refuses a store that holds
// anything. No commit is made meanwhile.
func (in *importing) begin(ctx context.Context, tx pgx.Tx, state []byte) error {
	if _, err := tx.Exec(ctx, "LOCK TABLE documents IN EXCLUSIVE MODE"); err != nil {
		return err
	}
	var before string
	err := tx.QueryRow(ctx, readImport).Scan(&before)
	if noRows(err) {
		var some bool
		if err = tx.QueryRow(ctx, holdsAny).Scan(&some); err == nil && some {
			err = store.ErrNotEmpty
		}
	}
	if err != nil {
		return err
	}
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM meta WHERE key = 'import keeps')").Scan(&in.keeps); err != nil {
		return err
	}
	in.batch.Queue(putMeta, "import", base64.StdEncoding.EncodeToString(state))
	return nil
}

const putMeta = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value"

// put takes over one piece.
func (in *importing) put(p *store.Piece) {
	switch s, b := in.store, &in.batch; {
	case p.Whole != nil:
		in.whole(p.Whole)
	case p.Part != nil:
		number := s.number(p.Part.Part)
		b.Queue("INSERT INTO parts (part, collection, params, floor) VALUES ($1, $2, $3, $4)", number, p.Part.Part.Collection, p.Part.Part.Params, p.Part.Floor)
		in.pruned(number, p.Part.Pruned)
	case p.Indexes != nil:
		b.Queue("INSERT INTO collections (collection, names, whole) VALUES ($1, $2, true)", p.Indexes.Collection, p.Indexes.Names)
	case p.Document != nil:
		in.document(p.Document)
	case p.Row != nil:
		b.Queue("INSERT INTO side_rows (part, id, kind, row_id, value) VALUES ($1, $2, $3, $4, $5)",
			s.number(p.Row.Ref.Part), p.Row.Ref.ID, p.Row.Kind, []byte(p.Row.ID), p.Row.Value)
	case p.Claim != nil:
		b.Queue("INSERT INTO claims (part, name, value, id) VALUES ($1, $2, $3, $4)", s.number(p.Claim.Part), p.Claim.Index, in.key(p.Claim.Value), p.Claim.ID)
	case p.Entry != nil:
		in.entry(p.Entry)
	case p.Answer != nil:
		a := p.Answer
		b.Queue("INSERT INTO answers (part, scope, key, digest, content, expires) VALUES ($1, $2, $3, $4, $5, $6)",
			s.numberOf("scope", a.Scope), in.key(a.Scope), in.key(a.Key), a.Digest[:], a.Content, a.Expires.UnixMicro())
	}
}

// key returns the column of a name, which is kept where it is too long to stand there.
func (in *importing) key(name string) []byte {
	if len(name) > longest {
		in.batch.Queue("INSERT INTO long_names (digest, name) VALUES ($1, $2) ON CONFLICT DO NOTHING", keyOf(name), []byte(name))
	}
	return keyOf(name)
}

func (in *importing) whole(w *store.Whole) {
	in.batch.Queue("UPDATE meta SET value = $1::bigint::text WHERE key = 'floor'", w.Floor)
	if in.keeps = w.Lanes == lanes; !in.keeps {
		return
	}
	in.batch.Queue(putMeta, "import keeps", "")
	for lane, position := range w.Newest {
		in.batch.Queue("UPDATE lanes SET position = $2 WHERE part = 0 AND lane = $1", lane, position)
	}
	in.pruned(0, w.Pruned)
}

func (in *importing) pruned(part int64, m store.Mark) {
	for lane, position := range m {
		if in.keeps && position > 0 {
			in.batch.Queue("INSERT INTO pruned (part, lane, position) VALUES ($1, $2, $3)", part, lane, position)
		}
	}
}

// document puts a document in its place, but for its log, which comes later.
func (in *importing) document(d *store.DocumentPiece) {
	part := in.store.number(d.Ref.Part)
	var lease *string
	var until int64
	if d.Lease != nil {
		lease, until = &d.Lease.ID, d.Lease.Expires.UnixMicro()
	}
	var sum []byte
	if d.Digest != ([32]byte{}) {
		sum = d.Digest[:]
	}
	in.batch.Queue(`INSERT INTO documents (part, id, rev, version, life, live, at, same_second, digest, link, lease, fence, lease_until)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		part, d.Ref.ID, d.Rev, d.Version, d.Life, !d.Deleted, d.At.UnixMicro(), d.SameSecond, sum, d.Link, lease, d.Fence, until)
	in.batch.Queue("INSERT INTO collections (collection, names, whole) VALUES ($1, '{}', true) ON CONFLICT DO NOTHING", d.Ref.Part.Collection)
	if len(d.Keys) == 0 {
		return
	}
	var keys [][]byte
	for i := range d.Keys {
		keys = append(keys, present(d.Keys[i].Key))
		in.batch.Queue("INSERT INTO index_rows (part, name, key, id) VALUES ($1, $2, $3, $4)", part, d.Keys[i].Index, keys[i], d.Ref.ID)
	}
	in.batch.Queue("INSERT INTO document_keys (part, id, names, keys) VALUES ($1, $2, $3, $4)", part, d.Ref.ID, store.Names(d.Keys), keys)
}

// A row that comes without a position of ours takes the next in its lane.
const (
	importRow = `INSERT INTO log (part, id, rev, lane, position, version, life, action, outcome, base, blind, merged_from, decisions, at,
			commit_id, correlation, actor, roles, digest, link, body)
		SELECT $1, $2, $3, $4, c.position, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21 FROM c`
	importKept    = "WITH c AS (SELECT $5::bigint AS position) " + importRow
	importPlaced  = "WITH c AS (UPDATE lanes SET position = position + 1 WHERE part = 0 AND lane = $4 AND $5::bigint IS NOT NULL RETURNING position) " + importRow
	placeDocument = `UPDATE documents d SET position = l.position, body_rev = CASE l.action WHEN 'touch' THEN d.body_rev WHEN 'delete' THEN 0 ELSE l.rev END
		FROM log l WHERE l.part = d.part AND l.id = d.id AND l.rev = $3 AND d.part = $1 AND d.id = $2`
)

// entry appends a log row behind those of its document that have come.
func (in *importing) entry(e *store.Entry) {
	part := in.store.number(e.Ref.Part)
	var sum []byte
	if e.Digest != ([32]byte{}) {
		sum = e.Digest[:]
	}
	statement := importPlaced
	if in.keeps {
		statement = importKept
	}
	in.batch.Queue(statement, part, e.Ref.ID, e.Rev, laneOf(e.Ref), e.Position, e.Version, e.Life, string(e.Action), e.Outcome, e.Base, e.Blind,
		e.MergedFrom, e.Decisions, e.At.UnixMicro(), [16]byte(e.CommitID), e.Correlation, e.Actor.Name, encodeRoles(e.Actor.Roles), sum, e.Link, e.Body)
	in.batch.Queue(placeDocument, part, e.Ref.ID, e.Rev).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() == 0 {
			return fmt.Errorf("%w: a log row of %s/%s, which has not come", store.ErrInvalid, e.Ref.Part.Collection, e.Ref.ID)
		}
		return nil
	})
}
