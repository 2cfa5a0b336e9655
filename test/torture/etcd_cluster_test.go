//go:build unix

package torture_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/ifmatch/ifmatch/internal/keyring"
)

// trio is three etcd members, which reach each other by links, and servers of ours before them.
type trio struct {
	*testing.T
	members [3]*member
	etcd    *clientv3.Client
	dsn     string
	keys    string
	nodes   []*node
}

// member is one etcd process.
type member struct {
	*daemon
	client string // where it serves clients
	peer   *link  // where the others reach it
	id     uint64
}

// newTrio starts three members and servers of ours.
func newTrio(t *testing.T, servers int) *trio {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "etcd")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Dir = filepath.Join("..", "etcd")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("SKIPPED, NOT CHECKED: etcd could not be built, so no leader of it is killed or cut off: %v\n%s", err, out)
	}
	c := &trio{T: t, keys: filepath.Join(t.TempDir(), "ring")}
	var clients, cluster []string
	var listens [3]string
	for i := range c.members {
		listens[i] = net.JoinHostPort("127.0.0.1", freePort(t))
		m := &member{client: net.JoinHostPort("127.0.0.1", freePort(t)), peer: newLink(t, listens[i])}
		c.members[i] = m
		clients = append(clients, m.client)
		cluster = append(cluster, fmt.Sprintf("m%d=http://%s", i, m.peer.addr()))
	}
	for i, m := range c.members {
		m.daemon = newDaemon(t, nil, syscall.SIGKILL, binary, "--name", fmt.Sprint("m", i), "--data-dir", t.TempDir(), "--log-level", "error",
			"--listen-client-urls", "http://"+m.client, "--advertise-client-urls", "http://"+m.client,
			"--listen-peer-urls", "http://"+listens[i], "--initial-advertise-peer-urls", "http://"+m.peer.addr(),
			"--initial-cluster", strings.Join(cluster, ","))
		m.start()
	}
	var err error
	if c.etcd, err = clientv3.New(clientv3.Config{Endpoints: clients}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.etcd.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, m := range c.members {
		c.joined(m)
	}
	if _, err := keyring.Open(c.keys); err != nil {
		t.Fatal(err)
	}
	c.dsn = "etcd://" + strings.Join(clients, ",") + "/torture"
	for range servers {
		c.nodes = append(c.nodes, startNode(t, c.dsn, "--keyring", c.keys))
	}
	return c
}

func (c *trio) urls() []string { return urlsOf(c.nodes) }

func (c *trio) verify() {
	for _, n := range c.nodes {
		if err := n.running.Terminate(c.Context()); err != nil {
			c.Error(err)
		}
	}
	verify(c.T, c.dsn, "--keyring", c.keys)
}

var errNoLeader = errors.New("it knows no leader")

// status asks a member of which leader it knows.
func (c *trio) status(ctx context.Context, m *member) (*clientv3.StatusResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	s, err := c.etcd.Status(ctx, m.client)
	if err == nil && s.Leader == 0 {
		err = errNoLeader
	}
	return s, err
}

// joined waits until a member knows a leader.
func (c *trio) joined(m *member) {
	c.Helper()
	m.until("etcd has no leader", func(ctx context.Context) error {
		s, err := c.status(ctx, m)
		if err == nil {
			m.id = s.Header.MemberId
		}
		return err
	})
}

// leader is the member that leads by the word of all of them.
func (c *trio) leader() (leader *member) {
	c.Helper()
	c.members[0].until("the members of etcd do not agree on a leader", func(ctx context.Context) error {
		leader = nil
		for _, m := range c.members {
			s, err := c.status(ctx, m)
			if err != nil {
				return err
			}
			for _, is := range c.members {
				if is.id == s.Leader && leader != nil && leader != is {
					return errors.New("they name two")
				} else if is.id == s.Leader {
					leader = is
				}
			}
		}
		return nil
	})
	return leader
}

// deposed kills the leader.
type deposed struct {
	*trio
	was *member
}

func (*deposed) String() string { return "kill -9 of the leader of etcd" }

func (d *deposed) inject(l *load) {
	d.was = d.leader()
	d.was.end(syscall.SIGKILL)
	l.progress(between) // under another leader
}

func (d *deposed) heal(*load) {
	d.was.start()
	d.joined(d.was)
}

// secluded cuts the leader off from the two others. Clients go on reaching it.
type secluded struct {
	*trio
	healed chan struct{}
}

func (*secluded) String() string { return "the leader of etcd is cut off" }

func (s *secluded) inject(l *load) {
	was := s.leader()
	s.healed = make(chan struct{})
	lost := fate{after: s.healed}
	// Each request between members says from whom it comes.
	from := fmt.Appendf(nil, "X-Server-From: %x\r\n", was.id)
	for _, m := range s.members {
		m.peer.obey(func(c *chunk) fate {
			if m == was || bytes.Contains(c.first, from) {
				return lost
			}
			return fate{}
		})
	}
	others := (*member)(nil)
	for _, m := range s.members {
		if m != was {
			others = m
		}
	}
	others.until("the two others elect nobody", func(ctx context.Context) error {
		st, err := s.status(ctx, others)
		if err == nil && st.Leader == was.id {
			err = errors.New("the one that is cut off still leads")
		}
		return err
	})
	l.progress(1) // what goes by the one that is cut off waits in vain, and holds the others up
}

func (s *secluded) heal(*load) {
	for _, m := range s.members {
		m.peer.obey(nil)
	}
	close(s.healed)
	s.leader() // known to all three
}
