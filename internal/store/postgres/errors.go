package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ifmatch/ifmatch/internal/store"
)

// The conditions that the driver knows, by their SQLSTATE.
const (
	codeQueryCanceled    = "57014"
	codeAdminShutdown    = "57P01"
	codeSerialization    = "40001"
	codeDeadlock         = "40P01"
	codeReadOnly         = "25006"
	codeInvalidPassword  = "28P01"
	codeInvalidAuth      = "28000"
	codeNoDatabase       = "3D000"
	codeNoSchema         = "3F000"
	codeNoTable          = "42P01"
	codeNoFunction       = "42883"
	codeNoRights         = "42501"
	codeTooManyConns     = "53300"
	codeDiskFull         = "53100"
	codeOutOfMemory      = "53200"
	classLimits          = "54" // of the program: rows or keys that are too large
	classResources       = "53"
	classConnection      = "08"
	classShutdown        = "57P"
	classTransactionDies = "40"
)

// codeOf returns the SQLSTATE of an error, "" for one that is not the server's.
func codeOf(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// classify wraps an error of the server in the store's error of its class.
func classify(err error) error {
	code := codeOf(err)
	switch {
	case err == nil:
		return nil
	case code == codeDiskFull:
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	case code == codeReadOnly:
		return fmt.Errorf("%w: %w", store.ErrReadOnly, err)
	case strings.HasPrefix(code, classLimits), code == codeOutOfMemory:
		return fmt.Errorf("%w: %w", store.ErrTooLarge, err)
	case code == codeSerialization, code == codeDeadlock:
		return fmt.Errorf("%w: %w", store.ErrContended, err)
	}
	return err
}

// leftUnknown tells whether what was sent may have been carried out although err came
// back: the server refused it in words, or it may have.
func leftUnknown(err error) bool {
	code := codeOf(err)
	switch {
	case code == "":
		return !pgconn.SafeToRetry(err)
	case code == codeAdminShutdown, strings.HasPrefix(code, classShutdown), strings.HasPrefix(code, classConnection), code == "40003":
		return true // the server may have died between the commit and its answer
	}
	return false
}

// passing tells whether err may be gone with another connection: the server is going
// down, coming up, or no longer the one that takes writes.
func passing(err error) bool {
	code := codeOf(err)
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return false
	case code == "":
		return true // the network, or a connection that was lost
	case code == codeReadOnly, code == codeTooManyConns:
		return true
	}
	return strings.HasPrefix(code, classShutdown) || strings.HasPrefix(code, classConnection)
}

// describeDSN says in one sentence what is wrong with a DSN. It does not repeat it,
// since it may hold a password.
func describeDSN(err error) error {
	cause := err
	for next := errors.Unwrap(cause); next != nil; next = errors.Unwrap(next) {
		cause = next
	}
	return fmt.Errorf("postgres: the DSN cannot be read (%s); write postgres://USER:PASSWORD@HOST:5432/DATABASE", cause.Error())
}

// sentence is an error whose text is one line, whatever its cause has.
type sentence struct{ error }

func (s sentence) Error() string { return strings.Join(strings.Fields(s.error.Error()), " ") }

func (s sentence) Unwrap() error { return s.error }

// describe says in one sentence what keeps the store from being opened, and what to
// do about it.
func (p *pools) describe(err error) error {
	if err == nil {
		return nil
	}
	return sentence{p.sentenceOf(err)}
}

func (p *pools) sentenceOf(err error) error {
	switch code := codeOf(err); code {
	case codeInvalidPassword, codeInvalidAuth:
		return fmt.Errorf("postgres: %s does not let %s in; check the user and the password of the DSN, and the server's pg_hba.conf: %w", p.address, p.user, err)
	case codeNoDatabase:
		return fmt.Errorf("postgres: %s has no database %s; make it with createdb, or name another one in the DSN: %w", p.address, p.database, err)
	case codeNoRights:
		return fmt.Errorf("postgres: %s may not do this in schema %s of database %s; as the owner of the database, GRANT it CREATE ON DATABASE, or the schema and all that is in it: %w", p.user, p.schema, p.database, err)
	case codeTooManyConns:
		return fmt.Errorf("postgres: %s has no connection left; raise its max_connections, or let fewer nodes connect: %w", p.address, err)
	case codeReadOnly:
		return fmt.Errorf("postgres: %s takes no writes; name the primary in the DSN, or all servers of the cluster with target_session_attrs=read-write: %w", p.address, err)
	case "":
		if _, ok := errors.AsType[*pgconn.ConnectError](err); ok || errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("postgres: no server that takes writes is reached at %s; check that it runs, and the host and port of the DSN: %w", p.address, err)
		}
	}
	return err
}
