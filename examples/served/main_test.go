package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch/test/session"
)

// serve starts the command with the policy file, as the README does.
func serve(t *testing.T) string {
	t.Helper()
	policy, err := filepath.Abs("policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return session.Serve(t, "--config", policy)
}

func TestServed(t *testing.T) {
	address := serve(t)
	t.Run("session", func(t *testing.T) { session.Run(t, "README.md", "127.0.0.1:8080", address) })
	t.Run("client", func(t *testing.T) {
		readme, err := os.ReadFile("README.md")
		if err != nil {
			t.Fatal(err)
		}
		want := regexp.MustCompile("(?ms)^```text\n(.*?)^```$").FindSubmatch(readme)
		if want == nil {
			t.Fatal("the README does not show what the client prints")
		}
		var out bytes.Buffer
		if err := run(t.Context(), &out, "http://"+address+"/v1/notes/shopping"); err != nil {
			t.Fatal(err)
		}
		if out.String() != string(want[1]) {
			t.Errorf("the client prints:\n%s\nthe README shows:\n%s", out.String(), want[1])
		}
	})
	t.Run("many clients", func(t *testing.T) { manyClients(t, "http://"+address+"/v1/notes/counter") })
	t.Run("a note that keeps changing", func(t *testing.T) { keepsChanging(t, "http://"+address+"/v1/notes/restless") })
}

// manyClients has every client raise one number until it has gone through: the
// edit is made anew on every state, so that none is lost.
func manyClients(t *testing.T, url string) {
	if _, err := create(t.Context(), url, note{"n": 0}); err != nil {
		t.Fatal(err)
	}
	const clients, each = 8, 5
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for done := 0; done < each; {
				v, err := read(t.Context(), url)
				if err != nil {
					t.Error(err)
					return
				}
				v.note["n"] = v.note["n"].(float64) + 1
				_, err = write(t.Context(), url, v)
				if _, stale := errors.AsType[*conflict](err); err == nil {
					done++
				} else if !stale {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	v, err := read(t.Context(), url)
	if err != nil || v.note["n"] != float64(clients*each) || v.tag != fmt.Sprintf(`"%d"`, clients*each+1) {
		t.Errorf("%s %v, %v; want %d", v.tag, v.note, err, clients*each)
	}
}

// keepsChanging checks that a client gives up, and that its edit is not stored.
func keepsChanging(t *testing.T, url string) {
	if _, err := create(t.Context(), url, note{"n": 0}); err != nil {
		t.Fatal(err)
	}
	v, err := read(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	refusals := 0
	rival := func(note) {
		now, err := read(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		now.note["n"] = now.note["n"].(float64) + 1
		if _, err := write(t.Context(), url, now); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := save(t.Context(), url, v, rival, func(*conflict) { refusals++ }); err == nil || refusals != attempts {
		t.Errorf("%d refusals, %v", refusals, err)
	}
	if v, err := read(t.Context(), url); err != nil || v.note["n"] != float64(attempts) {
		t.Errorf("%v, %v", v.note, err)
	}
	if _, err := create(t.Context(), url, note{}); err == nil {
		t.Error("it was created twice")
	}
	if _, _, err := send(t.Context(), http.MethodDelete, url, nil, "", ""); err == nil {
		t.Error("it was deleted without a precondition")
	}
}
