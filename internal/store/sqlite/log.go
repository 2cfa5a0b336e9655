package sqlite

import (
	"database/sql/driver"
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
	found, err := c.one(s, func(row []driver.Value) { e, bad = scanLog(row, ref) }, position)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, fmt.Errorf("sqlite: the log row at position %d of %s/%s is missing", position, ref.Part.Collection, ref.ID)
	}
	return e, bad
}

func scanLog(row []driver.Value, ref store.Ref) (*logEntry, error) {
	e := &logEntry{prev: asInt(row[1]), Entry: store.Entry{
		Log: store.Log{
			Action: store.Action(asText(row[5])), Outcome: asText(row[6]), Base: asInt(row[7]), Blind: asInt(row[8]) != 0,
			MergedFrom: asInt(row[9]), Decisions: asBlob(row[10]), Link: asBlob(row[17]),
		},
		Ref: ref, Position: asInt(row[0]), CommitID: asID(row[12]), Correlation: asText(row[13]),
		Actor: store.Actor{Name: asText(row[14])},
		Rev:   asInt(row[2]), Version: asInt(row[3]), Life: asInt(row[4]), At: asTime(row[11]), Digest: asDigest(row[16]),
	}}
	if len(row) > logWidth {
		e.Body = asBlob(row[logWidth])
	}
	if roles := asText(row[15]); roles != "" {
		if err := json.Unmarshal([]byte(roles), &e.Actor.Roles); err != nil {
			return nil, fmt.Errorf("sqlite: the roles at position %d cannot be read: %w", e.Position, err)
		}
	}
	return e, nil
}

func asID(v driver.Value) (id store.ID) {
	copy(id[:], asBlob(v))
	return id
}

// start returns where to begin a walk back to a rev or a version, by the index
// that milestone reads: at most milestoneEvery rows above it, at the next
// milestone, else at the newest row.
func start(c *conn, milestone *stmt, number, from, newest int64) (int64, error) {
	at := newest
	_, err := c.one(milestone, func(row []driver.Value) { at = asInt(row[0]) }, number, from)
	return at, err
}
