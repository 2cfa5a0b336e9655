//go:build unix

package torture_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/ifmatch/ifmatch/internal/keyring"
)

// replicated is two PostgreSQL servers, of which one is the synchronous standby of the
// other, and two servers of ours before them.
type replicated struct {
	*testing.T
	bin     string
	owner   *syscall.Credential
	hosts   [2]*database
	primary int
	dsn     string
	keys    string
	nodes   []*node
}

// database is one PostgreSQL server, and the link that our servers reach it by.
type database struct {
	*daemon
	dir, port string
	link      *link
}

// newReplicated starts a primary, its standby, and servers.
func newReplicated(t *testing.T) *replicated {
	t.Helper()
	r := &replicated{T: t, bin: binDir("postgres")}
	if r.bin == "" {
		t.Skip("SKIPPED, NOT CHECKED: PostgreSQL is not installed (apt-get install postgresql), so none is restarted and no standby takes over")
	}
	r.owner = ordinaryUser(t)
	root := dirOf(t, r.owner)
	for i := range r.hosts {
		d := &database{dir: filepath.Join(root, fmt.Sprint("db", i)), port: freePort(t)}
		d.link = newLink(t, net.JoinHostPort("127.0.0.1", d.port))
		d.daemon = newDaemon(t, r.owner, syscall.SIGQUIT, filepath.Join(r.bin, "postgres"), "-D", d.dir, "-p", d.port, "-k", root,
			"-c", "listen_addresses=127.0.0.1", "-c", "max_connections=150", "-c", "wal_keep_size=256MB")
		r.hosts[i] = d
	}
	run(t, r.owner, filepath.Join(r.bin, "initdb"), "-D", r.hosts[0].dir, "-U", "ifmatch", "-A", "trust", "-E", "UTF8", "--locale=C")
	r.hosts[0].boot()
	r.attach()
	r.dsn = fmt.Sprintf("postgres://ifmatch@%s,%s/postgres?sslmode=disable&target_session_attrs=read-write&connect_timeout=2",
		r.hosts[0].link.addr(), r.hosts[1].link.addr())
	r.keys = filepath.Join(t.TempDir(), "ring")
	if _, err := keyring.Open(r.keys); err != nil {
		t.Fatal(err)
	}
	return r
}

// serve starts servers of ours before the databases.
func (r *replicated) serve(n int) {
	r.Helper()
	for range n {
		r.nodes = append(r.nodes, startNode(r.T, r.dsn, "--keyring", r.keys))
	}
}

func (r *replicated) urls() []string { return urlsOf(r.nodes) }

func (r *replicated) verify() {
	for _, n := range r.nodes {
		if err := n.running.Terminate(r.Context()); err != nil {
			r.Error(err)
		}
	}
	verify(r.T, r.dsn, "--keyring", r.keys)
}

// boot starts a database and waits until it takes connections.
func (d *database) boot() {
	d.Helper()
	d.start()
	d.until("PostgreSQL takes no connections", func(ctx context.Context) error {
		return d.ask(ctx, "SELECT 1", func(int) bool { return true })
	})
}

// ask runs a query that yields one number, and fails where that is not a good one.
func (d *database) ask(ctx context.Context, query string, good func(int) bool) error {
	conn, err := d.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // what it said is known by then
	var n int
	if err := conn.QueryRow(ctx, query).Scan(&n); err != nil {
		return err
	}
	if !good(n) {
		return fmt.Errorf("%s: %d", query, n)
	}
	return nil
}

// connect goes past the link.
func (d *database) connect(ctx context.Context) (*pgx.Conn, error) {
	return pgx.Connect(ctx, "host=127.0.0.1 user=ifmatch dbname=postgres sslmode=disable connect_timeout=2 port="+d.port)
}

// set changes settings of a running server.
func (d *database) set(statements ...string) {
	d.Helper()
	ctx := context.WithoutCancel(d.Context())
	conn, err := d.connect(ctx)
	if err != nil {
		d.Fatal(err)
	}
	for _, s := range statements {
		_, bad := conn.Exec(ctx, s)
		err = errors.Join(err, bad)
	}
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		d.Fatal(err)
	}
}

// attach makes the other server a copy of the primary, and waits until nothing is
// acknowledged that is not in both.
func (r *replicated) attach() {
	r.Helper()
	primary, standby := r.hosts[r.primary], r.hosts[1-r.primary]
	if err := os.RemoveAll(standby.dir); err != nil {
		r.Fatal(err)
	}
	run(r.T, r.owner, filepath.Join(r.bin, "pg_basebackup"), "-D", standby.dir, "-R", "-X", "stream", "-c", "fast",
		"-d", "host=127.0.0.1 user=ifmatch application_name=standby port="+primary.port)
	standby.boot()
	primary.set("ALTER SYSTEM SET synchronous_standby_names = 'standby'", "SELECT pg_reload_conf()")
	r.inStep()
}

// inStep waits until the standby has all that was ever acknowledged.
func (r *replicated) inStep() {
	r.Helper()
	primary := r.hosts[r.primary]
	primary.until("the standby is not synchronous", func(ctx context.Context) error {
		return primary.ask(ctx, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'", func(n int) bool { return n == 1 })
	})
}

// restart ends the primary and starts it again: in turn at once, as a crash does, and
// after it has ended its sessions.
type restart struct {
	*replicated
	signals []syscall.Signal
}

func (*restart) String() string { return "a restart of PostgreSQL" }

func (r *restart) inject(l *load) {
	failing := l.trouble(1)
	r.hosts[r.primary].end(r.signals[0])
	r.signals = append(r.signals[1:], r.signals[0])
	failing()
}

func (r *restart) heal(*load) {
	r.hosts[r.primary].boot()
	r.inStep()
}

// failover ends the primary for good. The standby takes its place, and what it was made of
// is thrown away.
type failover struct{ *replicated }

func (failover) String() string { return "a failover of PostgreSQL" }

func (f failover) inject(l *load) {
	failing := l.trouble(1)
	f.hosts[f.primary].end(syscall.SIGQUIT)
	failing()
	f.primary = 1 - f.primary
	next := f.hosts[f.primary]
	run(f.T, f.owner, filepath.Join(f.bin, "pg_ctl"), "promote", "-w", "-D", next.dir)
	l.progress(between)
}

func (f failover) heal(*load) { f.attach() }
