package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/policy"
	"github.com/ifmatch/ifmatch/test/stores"
)

// TestSharedRing: the first node of a store that nodes share makes a key ring. A node that
// does not have it does not start, since its tags would be forged at the others; one that
// has it seals the log so that all of it can be verified.
func TestSharedRing(t *testing.T) {
	for _, s := range stores.All() {
		if !s.Shared {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			dsn := s.DSN(t)
			node := func() *exec.Cmd { return program(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", dsn) }
			first := node()
			a := serve(t, first)
			if a.store != policy.ShownStore(dsn) {
				t.Errorf("the server announces its store as %s", a.store)
			}
			ask(t, "PUT", a.url+"/v1/notes/1", `{"n":1}`)

			if said := fails(t, node()); !strings.Contains(said, "copy ifmatch.key from the node that made it") {
				t.Errorf("a node without the ring says %s", said)
			}
			second := node()
			second.Dir = first.Dir
			b := serve(t, second)
			ask(t, "PUT", b.url+"/v1/notes/2", `{"n":2}`)
			a.stop()
			b.stop()

			verify := program(t, nil, "verify", "--store", dsn)
			verify.Dir = first.Dir
			if out, err := verify.CombinedOutput(); err != nil || !strings.Contains(string(out), "2 sealed") {
				t.Errorf("verify says %v: %s", err, out)
			}
		})
	}
}
