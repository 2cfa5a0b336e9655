package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/ifmatch/ifmatch/internal/store"
)

// ErrInUse is the error of Open for a file that another process, or this one,
// serves already.
var ErrInUse = errors.New("sqlite: the store is in use; one process serves a file at a time")

// codeOf returns the primary result code of an error of SQLite, 0 for another.
func codeOf(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

// classify wraps an error of SQLite in the store's error of its class.
func classify(err error) error {
	if err == nil {
		return nil
	}
	switch codeOf(err) {
	case lib.SQLITE_FULL:
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	case lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_PERM:
		return fmt.Errorf("%w: %w", store.ErrReadOnly, err)
	case lib.SQLITE_TOOBIG, lib.SQLITE_NOMEM:
		return fmt.Errorf("%w: %w", store.ErrTooLarge, err)
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return fmt.Errorf("%w: %w", store.ErrContended, err)
	}
	return err
}

// isRefusal tells whether err judges a commit, rather than telling of a failure
// of storage.
func isRefusal(err error) bool {
	switch err.(type) {
	case *store.StaleError, *store.TakenError, *store.LockedError, *store.ReplayedError:
		return true
	}
	return err == store.ErrKeyMismatch || err == store.ErrLeaseExpired || errors.Is(err, store.ErrInvalid) || err == store.ErrNoEntry
}

// leftUnknown tells whether a failed COMMIT may have happened all the same.
// SQLite reports these before anything is durable; after any other error, one
// of I/O above all, nobody knows what the disk kept.
func leftUnknown(err error) bool {
	switch codeOf(err) {
	case lib.SQLITE_FULL, lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_CONSTRAINT, lib.SQLITE_READONLY:
		return false
	}
	return true
}
