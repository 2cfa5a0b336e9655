package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"

	"modernc.org/sqlite"
)

// conn is one connection with its prepared statements. The driver is used
// beneath database/sql: a connection here belongs to one goroutine at a time by
// construction, and the pool's locks and conversions cost a third of the
// throughput. A conn is not safe for concurrent use.
type conn struct {
	raw  driver.Conn
	open []driver.Stmt // every prepared statement, closed with the connection
	args []driver.NamedValue
	row  []driver.Value
}

// stmt is a prepared statement of one conn.
type stmt struct {
	exec  driver.StmtExecContext
	query driver.StmtQueryContext
	width int // columns of a row
}

// durability is what every connection that writes runs under: a COMMIT returns
// when the log is on stable storage.
const durability = "synchronous(FULL)"

func connect(o Options, path string, pragmas ...string) (*conn, error) {
	q := url.Values{"_pragma": append([]string{
		"busy_timeout(5000)", durability, "temp_store(memory)", "wal_autocheckpoint(0)",
	}, pragmas...)}
	if o.VFS != "" {
		q.Set("vfs", o.VFS)
	}
	if o.ReadOnly {
		q.Set("mode", "rw") // makes no file; a log that was left behind still needs its index written
	}
	raw, err := (&sqlite.Driver{}).Open("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode())
	if err != nil {
		return nil, err
	}
	return &conn{raw: raw}, nil
}

// close ends the statements first: SQLite keeps a connection, with its files and
// locks, for as long as one of them is open.
func (c *conn) close() error {
	var errs []error
	for _, s := range c.open {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.raw.Close())...)
}

// prepare compiles one statement whose rows have width columns.
func (c *conn) prepare(text string, width int) (*stmt, error) {
	s, err := c.raw.(driver.ConnPrepareContext).PrepareContext(context.Background(), text)
	if err != nil {
		return nil, fmt.Errorf("preparing %q: %w", text, err)
	}
	c.open = append(c.open, s)
	return &stmt{exec: s.(driver.StmtExecContext), query: s.(driver.StmtQueryContext), width: width}, nil
}

// prepareAll prepares a set of statements, each into its place.
func (c *conn) prepareAll(set map[**stmt]statement) error {
	for into, s := range set {
		prepared, err := c.prepare(s.text, s.width)
		if err != nil {
			return err
		}
		*into = prepared
	}
	return nil
}

// statement is the text of a statement and the width of its rows.
type statement struct {
	text  string
	width int
}

func (c *conn) bind(args []any) []driver.NamedValue {
	c.args = c.args[:0]
	for i, a := range args {
		if b, ok := a.([]byte); ok && b == nil {
			a = nil // NULL rather than an empty blob
		}
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return c.args
}

// exec runs a prepared statement and returns how many rows it changed. A
// commit is seen through once it is sent, so that no context reaches it.
func (c *conn) exec(s *stmt, args ...any) (int64, error) {
	res, err := s.exec.ExecContext(context.Background(), c.bind(args))
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// do runs a statement that is not worth keeping.
func (c *conn) do(text string) error {
	_, err := c.raw.(driver.ExecerContext).ExecContext(context.Background(), text, nil)
	return err
}

// each runs a prepared query and hands every row to scan. The row's slice is
// used again; its blobs and strings may be kept.
func (c *conn) each(s *stmt, scan func(row []driver.Value) error, args ...any) (err error) {
	rows, err := s.query.QueryContext(context.Background(), c.bind(args))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if cap(c.row) < s.width {
		c.row = make([]driver.Value, s.width)
	}
	row := c.row[:s.width]
	for {
		if err := rows.Next(row); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := scan(row); err != nil {
			return err
		}
	}
}

// one is each for a query of at most one row; found tells whether it came.
func (c *conn) one(s *stmt, scan func(row []driver.Value), args ...any) (found bool, err error) {
	err = c.each(s, func(row []driver.Value) error {
		found = true
		scan(row)
		return nil
	}, args...)
	return found, err
}

// The columns that a schema of ours declares, as Go values. NULL is the zero
// value.
func asInt(v driver.Value) int64 { n, _ := v.(int64); return n }

func asText(v driver.Value) string { s, _ := v.(string); return s }

func asBlob(v driver.Value) []byte { b, _ := v.([]byte); return b }

func asDigest(v driver.Value) (d [32]byte) {
	copy(d[:], asBlob(v))
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
