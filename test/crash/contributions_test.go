package crash_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch/test/process"
)

// counting has documents that add up what they are contributed.
const counting = `
default:
  contract: {precondition: optional}
  contributions: on
  fields: [{path: /n, type: counter}, {path: /from, type: set}]
`

// TestKillContributions ends the server with kill -9 while many contribute to one
// document. A contribution stands with the document that it makes, or not at all.
func TestKillContributions(t *testing.T) {
	rounds, clients := rounds()
	path := filepath.Join(t.TempDir(), "crash.db")
	config := filepath.Join(t.TempDir(), "ifmatch.yaml")
	if err := os.WriteFile(config, []byte(counting), 0o600); err != nil {
		t.Fatal(err)
	}
	serveIt := func() *server {
		return await(t, process.Command(binary, append(process.Serve("sqlite:"+path), "--config", config)...))
	}
	total := 0
	for round := range (rounds + 4) / 5 {
		// Each round has a document of its own, since one takes only so many.
		doc := fmt.Sprintf("/v1/docs/shared%d", round)
		s := serveIt()
		var mu sync.Mutex
		var load sync.WaitGroup
		enough := make(chan struct{})
		acked := map[string]bool{}
		for c := range clients {
			load.Go(func() {
				for i := 0; ; i++ {
					name := fmt.Sprintf("c%d-%d", c, i)
					body := fmt.Sprintf(`{"source":%q,"confidence":0.5,"observedAt":"2026-01-01T00:00:00Z","data":{"n":1,"from":[%q]}}`, name, name)
					res, err := http.Post(s.URL+doc+"/_contributions", "application/json", strings.NewReader(body))
					if err != nil {
						return // the server is gone
					}
					res.Body.Close()
					if res.StatusCode != http.StatusCreated {
						t.Errorf("%s: %s", name, res.Status)
						return
					}
					mu.Lock()
					if acked[name] = true; len(acked) == 60 {
						close(enough)
					}
					mu.Unlock()
				}
			})
		}
		<-enough
		s.Kill()
		load.Wait()
		verify(t, path)
		again := serveIt()
		total += len(acked)
		checkContributed(t, again.URL+doc, acked)
		again.Kill()
		verify(t, path)
		if t.Failed() {
			t.Fatalf("the server said: %s", s.Stderr)
		}
	}
	t.Logf("%d contributions acknowledged", total)
}

// checkContributed holds a document against its contributions, and these against
// what was acknowledged.
func checkContributed(t *testing.T, url string, acked map[string]bool) {
	t.Helper()
	var doc struct {
		N    int
		From []string
	}
	var list struct {
		Items []struct{ Source string }
		Next  string
	}
	read(t, url, &doc)
	read(t, url+"/_contributions?limit=1000", &list)
	if doc.N != len(list.Items) || len(doc.From) != len(list.Items) || list.Next != "" {
		t.Errorf("%d contributions make %d, of %d", len(list.Items), doc.N, len(doc.From))
	}
	for _, item := range list.Items {
		delete(acked, item.Source)
	}
	for lost := range acked {
		t.Errorf("%s was acknowledged and is lost", lost)
	}
}

func read(t *testing.T, url string, into any) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %s, %v", url, res.Status, body, err)
	}
}
