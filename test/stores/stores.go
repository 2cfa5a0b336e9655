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
}

// All returns every kind, the reference first.
func All() []Store {
	return []Store{
		{Name: "memory", DSN: func(testing.TB) string { return "memory:" }},
		{Name: "sqlite", DSN: func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "test.db") }},
		{Name: "postgres", DSN: postgres},
		{Name: "etcd", DSN: etcd},
	}
}

// server returns what a variable says, and skips the test where that is nothing.
func server(t testing.TB, variable, what string) string {
	t.Helper()
	value := os.Getenv(variable)
	if value == "" {
		t.Skipf("SKIPPED, NOT CHECKED: %s says where no %s is; make test starts one", variable, what)
	}
	return value
}

// postgres makes a database.
func postgres(t testing.TB) string {
	t.Helper()
	dsn := server(t, PostgresVar, "PostgreSQL")
	name := "ifmatch_test_" + rand.Text()
	execute := func(statement string) error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(ctx) }() // what it has done stands
		_, err = conn.Exec(ctx, statement)
		return err
	}
	quoted := pgx.Identifier{name}.Sanitize()
	if err := execute("CREATE DATABASE " + quoted); err != nil {
		t.Fatalf("make a database for the test: %v", err)
	}
	t.Cleanup(func() {
		if err := execute("DROP DATABASE " + quoted + " WITH (FORCE)"); err != nil {
			t.Errorf("remove the test's database: %v", err)
		}
	})
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatalf("%s: %v", PostgresVar, err)
	}
	u.Path = "/" + name
	return u.String()
}

// etcd makes up a prefix. Its keys stay until the server goes.
func etcd(t testing.TB) string {
	t.Helper()
	return fmt.Sprintf("etcd://%s/test-%s", server(t, EtcdVar, "etcd"), rand.Text())
}
