package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch/test/session"
)

func serve(t *testing.T) string {
	t.Helper()
	db, err := open(t.Context(), filepath.Join(t.TempDir(), "notes.db"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(routes(&notes{db: db}))
	t.Cleanup(func() {
		server.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return server.URL
}

func TestSession(t *testing.T) {
	session.Run(t, "README.md", "127.0.0.1:8080", strings.TrimPrefix(serve(t), "http://"))
}

// TestProtectingPartIsSmall holds the README to its word.
func TestProtectingPartIsSmall(t *testing.T) {
	text, err := os.ReadFile("handler.go")
	if err != nil {
		t.Fatal(err)
	}
	part := regexp.MustCompile(`(?s)// What protects the note, from here\n(.*?)\t\t// to here\.`).FindSubmatch(text)
	if part == nil {
		t.Fatal("the protecting part is not marked")
	}
	if lines := strings.Count(string(part[1]), "\n"); lines >= 10 {
		t.Errorf("the protecting part has %d lines", lines)
	}
}

// do sends a request and reads the answer.
func do(t *testing.T, method, url, body string, headers ...string) (status int, etag, content string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0, "", ""
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return 0, "", ""
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return res.StatusCode, res.Header.Get("ETag"), string(data)
}

// TestOneOf64Wins lets 64 clients write with one tag at once. Most of them lose
// between reading and the UPDATE, and must be told the tag of who won.
func TestOneOf64Wins(t *testing.T) {
	url := serve(t) + "/notes/1"
	do(t, "PUT", url, `{"n":0}`)
	for round := 1; round <= 10; round++ {
		mine, next := fmt.Sprintf(`"%d"`, round), fmt.Sprintf(`"%d"`, round+1)
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for client := range 64 {
			wg.Go(func() {
				status, etag, content := do(t, "PUT", url, fmt.Sprintf(`{"n":%d,"by":%d}`, round, client), "If-Match", mine)
				mu.Lock()
				defer mu.Unlock()
				if status == http.StatusOK {
					won++
				} else if status != http.StatusPreconditionFailed {
					t.Errorf("%d %s", status, content)
				}
				if etag != next {
					t.Errorf("%d with tag %s, want %s", status, etag, next)
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Fatalf("%d clients won round %d", won, round)
		}
	}
}

// TestCounterLosesNothing has 64 clients raise one number, each by reading,
// adding one, and writing with the tag that it read.
func TestCounterLosesNothing(t *testing.T) {
	const clients, each = 64, 3
	url := serve(t) + "/notes/1"
	do(t, "PUT", url, `{"n":0}`)
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for done := 0; done < each && !t.Failed(); {
				_, tag, content := do(t, "GET", url, "")
				var doc struct{ N int }
				if err := json.Unmarshal([]byte(content), &doc); err != nil {
					t.Errorf("%v: %s", err, content)
					return
				}
				switch status, _, content := do(t, "PUT", url, fmt.Sprintf(`{"n":%d}`, doc.N+1), "If-Match", tag); status {
				case http.StatusOK:
					done++
				case http.StatusPreconditionFailed:
				default:
					t.Errorf("%d %s", status, content)
				}
			}
		})
	}
	wg.Wait()
	if _, tag, content := do(t, "GET", url, ""); content != fmt.Sprintf(`{"n":%d}`, clients*each) || tag != fmt.Sprintf(`"%d"`, clients*each+1) {
		t.Errorf("%s %s after %d writes", tag, content, clients*each)
	}
}

// TestCreationsRace lets 64 clients create one note at once.
func TestCreationsRace(t *testing.T) {
	url := serve(t) + "/notes/new"
	for name, headers := range map[string][]string{"create only": {"If-None-Match", "*"}, "no precondition": nil} {
		t.Run(name, func(t *testing.T) {
			url := url + strings.ReplaceAll(name, " ", "-")
			var wg sync.WaitGroup
			var mu sync.Mutex
			statuses := make(map[int]int)
			for range 64 {
				wg.Go(func() {
					status, etag, _ := do(t, "PUT", url, `{}`, headers...)
					mu.Lock()
					defer mu.Unlock()
					statuses[status]++
					if etag != `"1"` {
						t.Errorf("%d with tag %s", status, etag)
					}
				})
			}
			wg.Wait()
			if statuses[http.StatusCreated] != 1 || statuses[http.StatusPreconditionFailed]+statuses[http.StatusPreconditionRequired] != 63 {
				t.Errorf("answered %v", statuses)
			}
		})
	}
}
