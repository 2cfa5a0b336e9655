//go:build unix

package torture_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/test/process"
)

// daemon is a process of a store. As root it belongs to an ordinary user, which some
// of them insist on.
type daemon struct {
	*testing.T
	args  []string
	owner *syscall.Credential // nil where this process is an ordinary user's
	last  syscall.Signal      // ends it with all of its children
	said  *process.Output
	cmd   *exec.Cmd
	ended chan struct{}
}

// newDaemon describes a process; it is ended when the test ends.
func newDaemon(t *testing.T, owner *syscall.Credential, last syscall.Signal, args ...string) *daemon {
	d := &daemon{T: t, args: args, owner: owner, last: last, said: &process.Output{}}
	t.Cleanup(func() { d.end(d.last) })
	return d
}

// start starts the process, when there is none.
func (d *daemon) start() {
	d.Helper()
	d.cmd = command(d.owner, d.args...)
	d.cmd.Stdout, d.cmd.Stderr = d.said, d.said
	if err := d.cmd.Start(); err != nil {
		d.Fatal(err)
	}
	d.ended = make(chan struct{})
	go func() {
		defer close(d.ended)
		_ = d.cmd.Wait() // how it ends is up to who ends it
	}()
}

// end ends the process by a signal, and waits until it is gone.
func (d *daemon) end(sig syscall.Signal) {
	if d.cmd == nil {
		return
	}
	if err := d.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		panic(err) // it is our own child
	}
	<-d.ended
	d.cmd = nil
}

// until asks again and again until there is no error.
func (d *daemon) until(what string, ask func(context.Context) error) {
	d.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.Context()), patience)
	defer cancel()
	for {
		err := ask(ctx)
		switch {
		case err == nil:
			return
		case ctx.Err() != nil:
			d.Fatalf("%s: %v; it said: %s", what, err, d.said)
		}
		select {
		case <-d.ended:
			d.Fatalf("%s, and it has ended: %s", what, d.said)
		case <-time.After(pause):
		}
	}
}

// command is a program run as its owner.
func command(owner *syscall.Credential, args ...string) *exec.Cmd {
	c := exec.Command(args[0], args[1:]...)
	c.Dir = "/"
	c.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	return c
}

// run runs a program to its end.
func run(t *testing.T, owner *syscall.Credential, args ...string) {
	t.Helper()
	if out, err := command(owner, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// ordinaryUser is whom daemons belong to: nobody in particular, if this process is
// root's, and else its own user.
func ordinaryUser(t *testing.T) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		gid, bad := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil || bad != nil {
			t.Fatalf("%s is user %s of group %s", name, u.Uid, u.Gid)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), NoSetGroups: false}
	}
	t.Skip("SKIPPED, NOT CHECKED: there is no ordinary user that root could start a server as")
	return nil
}

// dirOf makes a folder that belongs to a daemon's owner. It is not one of the test's own,
// which others than root may not enter.
func dirOf(t *testing.T, owner *syscall.Credential) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ifmatch-torture-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if owner != nil {
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// freePort asks the kernel for a port of the loopback interface. Somebody else may take it
// before the daemon does, which then says so.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err = errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	return port
}

// binDir is the folder that a program really lies in, "" where it is not installed.
func binDir(program string) string {
	found, err := exec.LookPath(program)
	if err != nil {
		return ""
	}
	if found, err = filepath.EvalSymlinks(found); err != nil {
		return ""
	}
	return filepath.Dir(found)
}
