package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/ifmatch/ifmatch/internal/store"
)

// maxFaults bounds what an integrity check says.
const maxFaults = 20

// CheckIntegrity implements [store.Scanner] with SQLite's own check, and one that
// documents and indexes know of each other.
func (s *Store) CheckIntegrity(ctx context.Context) error {
	return s.read(ctx, true, func(r *reader) error {
		var faults []error
		err := r.conn.each(r.integrityRun, func(r row) error {
			if line := r.text(0); line != "ok" {
				faults = append(faults, errors.New("sqlite: integrity check: "+line))
			}
			return nil
		})
		if err == nil && len(faults) == 0 {
			faults, err = r.checkIndexes(ctx)
		}
		return errors.Join(append(faults, err)...)
	})
}

// checkIndexes finds rows of indexes that are of no living document, or that
// their document does not know of, and keys of documents that have no row.
func (r *reader) checkIndexes(ctx context.Context) (faults []error, err error) {
	rows, keys := 0, 0
	err = r.conn.each(r.index.allRows, func(row row) error {
		rows++
		is := numberedKey{row.int(0), row.blob(1)}
		known, err := decodeKeys(row.blob(3))
		if err != nil {
			return err
		}
		if len(faults) < maxFaults && (!row.flag(4) || !holdsKey(known, is)) {
			faults = append(faults, fmt.Errorf("sqlite: a row of index %d, key %x, is of no document, or %q does not know of it", is.index, is.key, row.text(2)))
		}
		return ctx.Err()
	})
	if err != nil {
		return faults, err
	}
	err = r.conn.each(r.index.allKeys, func(row row) error {
		known, err := decodeKeys(row.blob(0))
		keys += len(known)
		return errors.Join(err, ctx.Err())
	})
	if err == nil && len(faults) == 0 && rows != keys {
		err = fmt.Errorf("sqlite: indexes have %d rows and documents %d keys in them", rows, keys)
	}
	return faults, err
}

var _ store.Scanner = (*Store)(nil)
