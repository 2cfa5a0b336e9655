package sqlite

import (
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/ifmatch/ifmatch/internal/store"
)

// ErrInUse is the error of Open for a file that another process, or this one,
// serves already.
var ErrInUse = errors.New("sqlite: the store is in use; one process serves a file at a time")

// codeOf returns the primary result code of an error; one that is not of SQLite
// has the general code.
func codeOf(err error) sqlite.ResultCode { return sqlite.ErrCode(err).ToPrimary() }

// classify wraps an error of SQLite in the store's error of its class.
func classify(err error) error {
	if err == nil {
		return nil
	}
	switch codeOf(err) {
	case sqlite.ResultNotADB:
		return fmt.Errorf("sqlite: the file is no SQLite database; name another file: %w", err)
	case sqlite.ResultFull:
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	case sqlite.ResultReadOnly, sqlite.ResultCantOpen, sqlite.ResultPerm:
		return fmt.Errorf("%w: %w", store.ErrReadOnly, err)
	case sqlite.ResultTooBig, sqlite.ResultNoMem:
		return fmt.Errorf("%w: %w", store.ErrTooLarge, err)
	case sqlite.ResultBusy, sqlite.ResultLocked:
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
	case sqlite.ResultFull, sqlite.ResultBusy, sqlite.ResultLocked, sqlite.ResultConstraint, sqlite.ResultReadOnly:
		return false
	}
	return true
}
