package sqlite

import (
	"encoding/json"
	"fmt"

	"github.com/ifmatch/ifmatch/internal/store"
)

// logEntry is a log row with the position of the row before it.
type logEntry struct {
	store.Entry
	prev int64
}

// readLog reads the log row at a position, nil for position 0. The statement
// selects logColumns, and the body where its rows are one wider.
func readLog(c *conn, s *stmt, position int64, ref store.Ref) (*logEntry, error) {
	if position == 0 {
		return nil, nil
	}
	var e *logEntry
	var bad error
	found, err := c.one(s, func(r row) { e, bad = scanLog(r, ref) }, position)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, fmt.Errorf("sqlite: the log row at position %d of %s/%s is missing", position, ref.Part.Collection, ref.ID)
	}
	return e, bad
}

func scanLog(r row, ref store.Ref) (*logEntry, error) {
	e := &logEntry{prev: r.int(1), Entry: store.Entry{
		Log: store.Log{
			Action: store.Action(r.text(5)), Outcome: r.text(6), Base: r.int(7), Blind: r.flag(8),
			MergedFrom: r.int(9), Decisions: r.blob(10), Link: r.blob(17),
		},
		Ref: ref, Position: r.int(0), CommitID: r.id(12), Correlation: r.text(13),
		Actor: store.Actor{Name: r.text(14)},
		Rev:   r.int(2), Version: r.int(3), Life: r.int(4), At: r.time(11), Digest: r.digest(16),
	}}
	if r.raw.ColumnCount() > logWidth {
		e.Body = r.blob(logWidth)
	}
	if roles := r.text(15); roles != "" {
		if err := json.Unmarshal([]byte(roles), &e.Actor.Roles); err != nil {
			return nil, fmt.Errorf("sqlite: the roles at position %d cannot be read: %w", e.Position, err)
		}
	}
	return e, nil
}

// start returns where to begin a walk back to a rev or a version, by the index
// that milestone reads: at most milestoneEvery rows above it, at the next
// milestone, else at the newest row.
func start(c *conn, milestone *stmt, number, from, newest int64) (int64, error) {
	at := newest
	_, err := c.one(milestone, func(r row) { at = r.int(0) }, number, from)
	return at, err
}
