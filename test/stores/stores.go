// Package stores names the stores that black-box tests run the program over: those that
// need nothing, and those whose servers have been started for the tests.
package stores

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// The environment variables that name the servers which tests may use.
const (
	// PostgresVar has the DSN of a PostgreSQL server on which databases may be made.
	PostgresVar = "IFMATCH_TEST_POSTGRES"
	// EtcdVar has the endpoints of an etcd cluster, with commas between them.
	EtcdVar = "IFMATCH_TEST_ETCD"
)

// Store is one kind of store.
type Store struct {
	Name string
	// DSN names a store that nobody has used. It is gone after the test. Where there is
	// no server it skips the test aloud.
	DSN func(t testing.TB) string
	// Shared tells that several processes may serve it at once.
	Shared bool
}

// All returns every kind, the reference first.
func All() []Store {
	return []Store{
		{Name: "memory", DSN: func(testing.TB) string { return "memory:" }},
		{Name: "sqlite", DSN: func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "test.db") }},
		{Name: "postgres", DSN: postgres, Shared: true},
		{Name: "etcd", DSN: etcd, Shared: true},
	}
}

// server returns what a variable says, and skips the test where that is nothing.
func server(t testing.TB, variable, what string) string {
	t.Helper()
	value := os.Getenv(variable)
	if value == "" {
		t.Skipf("SKIPPED, NOT CHECKED: %s does not name a server of %s; make test starts one", variable, what)
	}
	return value
}

func postgres(t testing.TB) string {
	t.Helper()
	dsn, drop, err := MakeDatabase(t.Context(), server(t, PostgresVar, "PostgreSQL"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(); err != nil {
			t.Error(err)
		}
	})
	return dsn
}

// MakeDatabase makes an empty database on the server that a DSN names, and returns its
// DSN and what removes it, whoever is connected.
func MakeDatabase(ctx context.Context, server string) (dsn string, drop func() error, err error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", nil, fmt.Errorf("the server's DSN: %w", err)
	}
	name := "ifmatch_test_" + rand.Text()
	quoted := pgx.Identifier{name}.Sanitize()
	if err := execute(ctx, server, "CREATE DATABASE "+quoted); err != nil {
		return "", nil, fmt.Errorf("make a database: %w", err)
	}
	u.Path = "/" + name
	return u.String(), func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if err := execute(ctx, server, "DROP DATABASE "+quoted+" WITH (FORCE)"); err != nil {
			return fmt.Errorf("remove the database: %w", err)
		}
		return nil
	}, nil
}

func execute(ctx context.Context, server, statement string) error {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // what it has done stands
	_, err = conn.Exec(ctx, statement)
	return err
}

// etcd makes up a prefix. Its keys stay until the server goes.
func etcd(t testing.TB) string {
	t.Helper()
	return fmt.Sprintf("etcd://%s/test-%s", server(t, EtcdVar, "etcd"), rand.Text())
}
