package sqlite

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// conn is one connection with its prepared statements. It stands beneath
// database/sql, whose pool, conversions and boxed values cost a third of the
// throughput: a connection here belongs to one goroutine at a time by
// construction. A conn is not safe for concurrent use.
type conn struct {
	raw *sqlite.Conn
}

// stmt is a prepared statement of one conn. It ends with its connection.
type stmt struct {
	raw *sqlite.Stmt
}

// durability is what every connection that writes runs under: a COMMIT returns
// when the log is on stable storage.
const durability = "synchronous(FULL)"

// How many KiB of pages SQLite keeps for a connection. What is asked for again is in
// the cache of documents, and all of the file in the system's: more pages here are
// found no sooner, since they do not fit into the processor's caches. With 8 MiB for
// each reader a read of one in 1,000,000 documents took a sixth longer. The writer
// has room for the pages that a large group changes.
const (
	readerPages = "cache_size(-1024)"
	writerPages = "cache_size(-8192)"
)

const busyTimeout = 5 * time.Second

func connect(o Options, path string, pragmas ...string) (*conn, error) {
	address := url.URL{Scheme: "file", OmitHost: true, Path: path}
	if o.VFS != "" {
		address.RawQuery = url.Values{"vfs": {o.VFS}}.Encode()
	}
	flags := sqlite.OpenURI | sqlite.OpenReadWrite // a log that was left behind needs its index written, whoever reads
	if !o.ReadOnly {
		flags |= sqlite.OpenCreate
	}
	raw, err := sqlite.OpenConn(address.String(), flags)
	if err != nil {
		return nil, err
	}
	raw.SetBusyTimeout(busyTimeout)
	c := &conn{raw: raw}
	for _, p := range append([]string{durability, "temp_store(memory)", "wal_autocheckpoint(0)"}, pragmas...) {
		if err := c.do("PRAGMA " + p); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

func (c *conn) close() error { return c.raw.Close() }

// prepare compiles one statement, which lives as long as the connection.
func (c *conn) prepare(text string) (*stmt, error) {
	s, err := c.raw.Prepare(text)
	if err != nil {
		return nil, fmt.Errorf("preparing %q: %w", text, err)
	}
	return &stmt{raw: s}, nil
}

// prepareAll prepares a set of statements, each into its place.
func (c *conn) prepareAll(set map[**stmt]string) error {
	for into, text := range set {
		prepared, err := c.prepare(text)
		if err != nil {
			return err
		}
		*into = prepared
	}
	return nil
}

// bind sets every parameter: an int64, a string or a []byte, NULL for a nil one
// or for nothing.
func (s *stmt) bind(args []any) {
	for i, a := range args {
		switch v := a.(type) {
		case int64:
			s.raw.BindInt64(i+1, v)
		case string:
			s.raw.BindText(i+1, v)
		case []byte:
			if v == nil {
				s.raw.BindNull(i + 1)
			} else {
				s.raw.BindBytes(i+1, v)
			}
		case nil:
			s.raw.BindNull(i + 1)
		default:
			panic(fmt.Sprintf("sqlite: a %T cannot be bound", a))
		}
	}
}

// exec runs a prepared statement and returns how many rows it changed. A
// commit is seen through once it is sent, so that no context reaches it.
func (c *conn) exec(s *stmt, args ...any) (int, error) {
	s.bind(args)
	if _, err := s.raw.Step(); err != nil {
		return 0, err
	}
	return c.raw.Changes(), s.raw.Reset()
}

// do runs a statement that is not worth keeping.
func (c *conn) do(text string) error { return sqlitex.ExecuteTransient(c.raw, text, nil) }

// script runs statements one after the other.
func (c *conn) script(text string) error {
	for text != "" {
		s, rest, err := c.raw.PrepareTransient(text)
		if err != nil {
			return err
		}
		_, err = s.Step()
		if err = errors.Join(err, s.Finalize()); err != nil {
			return err
		}
		text = text[len(text)-rest:]
	}
	return nil
}

// each runs a prepared query and hands every row to scan.
func (c *conn) each(s *stmt, scan func(row) error, args ...any) (err error) {
	s.bind(args)
	for {
		found, err := s.raw.Step()
		if err != nil {
			return err // Step has reset the statement
		}
		if !found {
			return s.raw.Reset()
		}
		if err := scan(row{s.raw}); err != nil {
			return errors.Join(err, s.raw.Reset())
		}
	}
}

// one is each for a query of at most one row; found tells whether it came.
func (c *conn) one(s *stmt, scan func(row), args ...any) (found bool, err error) {
	s.bind(args)
	if found, err = s.raw.Step(); err != nil {
		return false, err
	}
	if found {
		scan(row{s.raw})
	}
	return found, s.raw.Reset()
}
