package sqlite

import (
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/ifmatch/ifmatch/internal/store"
)

// row is a row of a query, valid until the next. Its columns are those of a
// schema of ours, so that each is read as what it was declared; NULL is the zero
// value. What it returns may be kept.
type row struct {
	raw *sqlite.Stmt
}

func (r row) int(column int) int64 { return r.raw.ColumnInt64(column) }

func (r row) flag(column int) bool { return r.raw.ColumnBool(column) }

func (r row) text(column int) string { return r.raw.ColumnText(column) }

// time reads microseconds since 1970.
func (r row) time(column int) time.Time { return time.UnixMicro(r.int(column)).UTC() }

func (r row) blob(column int) []byte {
	if r.raw.ColumnIsNull(column) {
		return nil
	}
	b := make([]byte, r.raw.ColumnLen(column))
	r.raw.ColumnBytes(column, b)
	return b
}

func (r row) id(column int) (id store.ID) {
	r.raw.ColumnBytes(column, id[:])
	return id
}

func (r row) digest(column int) (d [32]byte) {
	r.raw.ColumnBytes(column, d[:])
	return d
}

// text binds the empty string as NULL, which costs nothing to store.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
