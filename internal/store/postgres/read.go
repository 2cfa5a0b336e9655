package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ifmatch/ifmatch/internal/store"
)

// read runs f, which asks the database, and runs it again where the server was lost:
// reading twice does no harm. What was sent is waited for whatever becomes of the
// caller, since to leave it would cost the connection.
func (s *Store) read(ctx context.Context, f func(ctx context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opts.Patience)
	defer cancel()
	for tries := 0; ; tries++ {
		err := f(patient)
		if err == nil || !passing(err) || isAnswer(err) || ctx.Err() != nil || !pause(patient, tries) {
			return classify(err)
		}
	}
}

// isAnswer tells whether err is what there is to say, rather than a failure to find out.
func isAnswer(err error) bool {
	return errors.Is(err, store.ErrNoEntry) || errors.Is(err, store.ErrInvalid) || errors.Is(err, errStopped) || noRows(err)
}

// errStopped marks the error of a caller that wants no more rows.
var errStopped = errors.New("postgres: stopped by the caller")

// batch runs queries in one snapshot and one round trip.
func (s *Store) batch(ctx context.Context, queue func(b *pgx.Batch)) error {
	b := &pgx.Batch{}
	b.Queue("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	queue(b)
	b.Queue("COMMIT")
	return s.pools.read.SendBatch(ctx, b).Close()
}

// snapshot runs f on one state of the database.
func (s *Store) snapshot(ctx context.Context, f func(tx pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, s.pools.read, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, f)
}

// headColumns are those that headRow reads.
const headColumns = `d.rev, d.version, d.life, d.live, d.at, d.same_second, d.digest, d.link, d.position, d.lease, d.fence, d.lease_until`

// headRow is where the columns of a document go.
type headRow struct {
	rev, version, life, at, position, fence, until int64
	live, sameSecond                               bool
	digest, link                                   []byte
	lease                                          *string
}

func (r *headRow) targets(more ...any) []any {
	return append([]any{
		&r.rev, &r.version, &r.life, &r.live, &r.at, &r.sameSecond, &r.digest, &r.link, &r.position, &r.lease, &r.fence, &r.until,
	}, more...)
}

func (r *headRow) head(ref store.Ref, floor int64) store.Head {
	l := line{
		rev: r.rev, version: r.version, life: r.life, flag: r.live, at: r.at, sameSecond: r.sameSecond, digest: r.digest, link: r.link,
		position: r.position, text: r.lease, fence: r.fence, until: r.until, floor: floor,
	}
	return l.state(ref).head
}

// The body is sent where it is not that of the version which the node has. A stub is
// not there, and neither is a document whose part's name is another with that number.
const (
	readHead = "SELECT " + headColumns + `, p.floor FROM parts p JOIN documents d ON d.part = p.part AND d.id = $4 AND d.rev > 0
		WHERE p.part = $1 AND p.collection = $2 AND p.params = $3`
	readDocument = "SELECT " + headColumns + `, p.floor, l.body FROM parts p JOIN documents d ON d.part = p.part AND d.id = $4 AND d.rev > 0
		LEFT JOIN log l ON l.part = d.part AND l.id = d.id AND l.rev = d.body_rev AND NOT (d.version = $5 AND d.digest IS NOT DISTINCT FROM $6)
		WHERE p.part = $1 AND p.collection = $2 AND p.params = $3`
	readFloor = `SELECT coalesce((SELECT floor FROM parts WHERE part = $1 AND collection = $2 AND params = $3),
		(SELECT value::bigint FROM meta WHERE key = 'floor'))`
)

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, ref store.Ref) (*store.Document, error) {
	return s.get(ctx, ref, true)
}

// Head implements [store.HeadReader].
func (s *Store) Head(ctx context.Context, ref store.Ref) (*store.Document, error) {
	return s.get(ctx, ref, false)
}

func (s *Store) get(ctx context.Context, ref store.Ref, whole bool) (d *store.Document, err error) {
	if err := plain(ref.ID, ref.Part.Collection, ref.Part.Params); err != nil {
		return nil, err
	}
	err = s.read(ctx, func(ctx context.Context) (err error) {
		d, err = s.load(ctx, ref, whole)
		if noRows(err) {
			d, err = s.absent(ctx, ref)
		}
		return err
	})
	if err != nil || !whole {
		return d, err
	}
	if err := s.opts.Probe.At(store.PointFill); err != nil {
		return nil, err
	}
	s.cache.put(d)
	return d, nil
}

// load reads a document that is there.
func (s *Store) load(ctx context.Context, ref store.Ref, whole bool) (*store.Document, error) {
	var r headRow
	var floor int64
	var bytes []byte
	args := []any{s.number(ref.Part), ref.Part.Collection, ref.Part.Params, ref.ID}
	if !whole {
		err := s.pools.read.QueryRow(ctx, readHead, args...).Scan(r.targets(&floor)...)
		return &store.Document{Head: r.head(ref, floor)}, err
	}
	have := s.cache.get(ref)
	known := int64(-1)
	if have.bytes != nil {
		known = have.version
	}
	err := s.pools.read.QueryRow(ctx, readDocument, append(args, known, have.digest[:])...).Scan(r.targets(&floor, &bytes)...)
	if err != nil {
		return nil, err
	}
	d := &store.Document{Head: r.head(ref, floor), Body: bytes}
	if d.Exists() && d.Body == nil {
		if d.Version != known || d.Digest != have.digest {
			return nil, fmt.Errorf("postgres: the body of version %d of %s/%s is missing", d.Version, ref.Part.Collection, ref.ID)
		}
		d.Body = have.bytes
	}
	return d, nil
}

// absent is a document that is not there.
func (s *Store) absent(ctx context.Context, ref store.Ref) (*store.Document, error) {
	floor, err := s.floor(ctx, ref.Part)
	return &store.Document{Head: store.Head{Ref: ref, Next: floor + 1}}, err
}

func (s *Store) floor(ctx context.Context, p store.Part) (floor int64, err error) {
	err = s.pools.read.QueryRow(ctx, readFloor, s.number(p), p.Collection, p.Params).Scan(&floor)
	return floor, err
}

// Floor implements [store.FloorReader].
func (s *Store) Floor(ctx context.Context, part store.Part) (floor int64, err error) {
	err = s.read(ctx, func(ctx context.Context) (err error) {
		floor, err = s.floor(ctx, part)
		return err
	})
	return floor, err
}

// logColumns are those that logRow reads; bodies come where they are asked for.
const logColumns = `l.lane, l.position, l.rev, l.version, l.life, l.action, l.outcome, l.base, l.blind, l.merged_from,
	l.decisions, l.at, l.commit_id, l.correlation, l.actor, l.roles, l.digest, l.link`

// logRow is where the columns of a log row go.
type logRow struct {
	e          store.Entry
	lane       int16
	at         int64
	action     string
	commit     [16]byte
	roles      string
	digestText []byte
	body       []byte
}

func (r *logRow) targets(more ...any) []any {
	e := &r.e
	*r = logRow{}
	return append([]any{
		&r.lane, &e.Position, &e.Rev, &e.Version, &e.Life, &r.action, &e.Outcome, &e.Base, &e.Blind, &e.MergedFrom,
		&e.Decisions, &r.at, &r.commit, &e.Correlation, &e.Actor.Name, &r.roles, &r.digestText, &e.Link,
	}, more...)
}

func (r *logRow) entry(ref store.Ref) (store.Entry, error) {
	e := r.e
	e.Ref, e.Lane, e.Action, e.CommitID = ref, int(r.lane), store.Action(r.action), r.commit
	e.At, e.Digest, e.Body = time.UnixMicro(r.at).UTC(), digest(r.digestText), r.body
	e.Decisions, e.Link = slices.Clone(e.Decisions), slices.Clone(e.Link)
	if r.roles == "" {
		return e, nil
	}
	return e, json.Unmarshal([]byte(r.roles), &e.Actor.Roles)
}

// A document of which nobody has touched anything has each version at the rev of the
// same number; others are found by an index that those are not in.
const readEntry = "SELECT " + logColumns + `, l.body FROM log l WHERE l.part = $1 AND l.id = $2 AND l.rev = $3 AND l.version = $3 AND l.action <> 'touch'
	UNION ALL SELECT ` + logColumns + `, l.body FROM log l
	WHERE l.part = $1 AND l.id = $2 AND l.version = $3 AND l.version <> l.rev AND l.action <> 'touch'`

// Entry implements [store.Store].
func (s *Store) Entry(ctx context.Context, ref store.Ref, version int64) (*store.Entry, error) {
	if !isPlain(ref.ID) {
		return nil, store.ErrNoEntry
	}
	var e store.Entry
	err := s.read(ctx, func(ctx context.Context) error {
		var r logRow
		targets := r.targets(&r.body)
		err := s.pools.read.QueryRow(ctx, readEntry, s.number(ref.Part), ref.ID, version).Scan(targets...)
		if noRows(err) {
			return store.ErrNoEntry
		}
		if err != nil {
			return err
		}
		if e, err = r.entry(ref); err == nil && e.Body == nil && e.Action != store.ActionDelete {
			err = store.ErrNoEntry
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &e, nil
}

const readHistory = "SELECT " + logColumns + ` FROM log l WHERE l.part = $1 AND l.id = $2 AND l.rev < $3 ORDER BY l.rev DESC LIMIT $4`

// History implements [store.Store].
func (s *Store) History(ctx context.Context, ref store.Ref, before int64, limit int) ([]store.Entry, error) {
	if !isPlain(ref.ID) {
		return nil, nil
	}
	if before == 0 {
		before = 1<<63 - 1
	}
	var page []store.Entry
	err := s.read(ctx, func(ctx context.Context) error {
		page = nil
		rows, err := s.pools.read.Query(ctx, readHistory, s.number(ref.Part), ref.ID, before, limit)
		if err != nil {
			return err
		}
		return eachEntry(rows, nil, func(r *logRow) error {
			e, err := r.entry(ref)
			page = append(page, e)
			return err
		})
	})
	return page, err
}

// eachEntry reads log rows; more says what stands behind their columns.
func eachEntry(rows pgx.Rows, more func(r *logRow) []any, yield func(r *logRow) error) error {
	defer rows.Close()
	for rows.Next() {
		var r logRow
		targets := r.targets()
		if more != nil {
			targets = append(targets, more(&r)...)
		}
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		if err := yield(&r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Answer implements [store.Store].
func (s *Store) Answer(ctx context.Context, scope, key string) (*store.Answer, error) {
	var a store.Answer
	err := s.read(ctx, func(ctx context.Context) error {
		var sum []byte
		var expires int64
		err := s.pools.read.QueryRow(ctx, "SELECT digest, content, expires FROM answers WHERE part = $1 AND scope = $2 AND key = $3 AND expires IS NOT NULL",
			s.numberOf("scope", scope), keyOf(scope), keyOf(key)).Scan(&sum, &a.Content, &expires)
		if noRows(err) {
			return store.ErrNoEntry
		}
		a.Digest, a.Expires = digest(sum), time.UnixMicro(expires).UTC()
		return err
	})
	if err != nil {
		return nil, err
	}
	return &a, nil
}

// Rows implements [store.RowReader].
func (s *Store) Rows(ctx context.Context, ref store.Ref, kind string) ([]store.Row, error) {
	if !isPlain(ref.ID, kind) {
		return nil, nil
	}
	var all []store.Row
	err := s.read(ctx, func(ctx context.Context) error {
		all = nil
		rows, err := s.pools.read.Query(ctx, "SELECT row_id, value FROM side_rows WHERE part = $1 AND id = $2 AND kind = $3 ORDER BY row_id",
			s.number(ref.Part), ref.ID, kind)
		if err != nil {
			return err
		}
		var id, value []byte
		_, err = pgx.ForEachRow(rows, []any{&id, &value}, func() error {
			all = append(all, store.Row{Ref: ref, Kind: kind, ID: string(id), Value: slices.Clone(value)})
			return nil
		})
		return err
	})
	return all, err
}
