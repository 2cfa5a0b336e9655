package stores_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch/test/process"
	"github.com/ifmatch/ifmatch/test/stores"
)

// onTwoNodes runs a test over two servers of each store that several processes may share.
func onTwoNodes(t *testing.T, test func(t *testing.T, nodes [2]string)) {
	t.Helper()
	for _, s := range stores.All() {
		if !s.Shared {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			dsn := s.DSN(t)
			var nodes [2]string
			for i := range nodes {
				nodes[i] = start(t, dsn, "--config", policyFile(t)).URL
			}
			test(t, nodes)
		})
	}
}

// answer is what was answered to a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends a request. Headers come in pairs.
func ask(ctx context.Context, method, url, body string, header ...string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(content)}, err
}

// must is ask for what has to be answered with a status.
func must(t *testing.T, status int, method, url, body string, header ...string) answer {
	t.Helper()
	a, err := ask(t.Context(), method, url, body, header...)
	if err != nil || a.status != status {
		t.Fatalf("%s %s: %d, %v, want %d: %s", method, url, a.status, err, status, a.body)
	}
	return a
}

// TestNodesCount has clients at two nodes count in one document: it ends at the number of
// those that were told that they had counted.
func TestNodesCount(t *testing.T) {
	const clients, each = 8, 15
	onTwoNodes(t, func(t *testing.T, nodes [2]string) {
		const path = "/v1/notes/counter"
		must(t, http.StatusCreated, "PUT", nodes[0]+path, `{"n":0}`, "If-None-Match", "*")
		var counting sync.WaitGroup
		for c := range clients {
			counting.Go(func() {
				for range each {
					if err := count(t.Context(), nodes[c%2]+path); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		counting.Wait()
		want := fmt.Sprintf(`{"n":%d}`, clients*each)
		for _, node := range nodes {
			if got := must(t, http.StatusOK, "GET", node+path, ""); got.body != want || got.header.Get("ETag") != fmt.Sprintf(`"%d"`, clients*each+1) {
				t.Errorf("the counter is %s under %s, want %s", got.body, got.header.Get("ETag"), want)
			}
		}
	})
}

// count adds one to a document, however often it takes.
func count(ctx context.Context, url string) error {
	for {
		was, err := ask(ctx, "GET", url, "")
		if err != nil {
			return err
		}
		var counter struct{ N int }
		if err := json.Unmarshal([]byte(was.body), &counter); err != nil {
			return err
		}
		is, err := ask(ctx, "PUT", url, fmt.Sprintf(`{"n":%d}`, counter.N+1), "If-Match", was.header.Get("ETag"))
		switch {
		case err != nil:
			return err
		case is.status == http.StatusOK:
			return nil
		case is.status != http.StatusPreconditionFailed && is.status != http.StatusServiceUnavailable:
			return fmt.Errorf("counting is answered %d: %s", is.status, is.body)
		}
	}
}

// TestNodesAgree: what one node has done holds at the other from then on.
func TestNodesAgree(t *testing.T) {
	onTwoNodes(t, func(t *testing.T, nodes [2]string) {
		one, other := nodes[0]+"/v1/notes", nodes[1]+"/v1/notes"
		must(t, http.StatusCreated, "PUT", one+"/1", `{"status":"a"}`, "If-None-Match", "*")
		for version := 1; version < 20; version++ { // read often enough to be in every cache
			tag := fmt.Sprintf(`"%d"`, version)
			must(t, http.StatusOK, "GET", other+"/1", "")
			must(t, http.StatusNotModified, "GET", other+"/1", "", "If-None-Match", tag)
			must(t, http.StatusOK, "PUT", one+"/1", fmt.Sprintf(`{"status":"b%d"}`, version), "If-Match", tag)
			must(t, http.StatusPreconditionFailed, "PUT", other+"/1", `{"status":"late"}`, "If-Match", tag)
			if got := must(t, http.StatusOK, "GET", other+"/1", "", "If-None-Match", tag); got.body != fmt.Sprintf(`{"status":"b%d"}`, version) {
				t.Fatalf("the other node still has %s", got.body)
			}
			if list := must(t, http.StatusOK, "GET", other+fmt.Sprintf("?status=b%d", version), ""); !strings.Contains(list.body, `"id":"1"`) {
				t.Fatalf("the other node lists %s", list.body)
			}
		}

		lease := must(t, http.StatusCreated, "POST", one+"/1/_lease", `{"ttlMs":60000}`)
		var held struct{ Lease string }
		if err := json.Unmarshal([]byte(lease.body), &held); err != nil {
			t.Fatal(err)
		}
		must(t, http.StatusLocked, "PUT", other+"/1", `{}`, "If-Match", `"20"`)
		must(t, http.StatusOK, "PUT", other+"/1", `{}`, "If-Match", `"20"`, "Ifmatch-Lease", held.Lease)
		must(t, http.StatusNoContent, "DELETE", other+"/1/_lease", "", "Ifmatch-Lease", held.Lease)

		const key = "4a3a8e1c-3f57-4a86-9f2b-9a1f6c1d1d7e"
		first := must(t, http.StatusCreated, "POST", one, `{"n":1}`, "Idempotency-Key", key)
		again := must(t, http.StatusCreated, "POST", other, `{"n":1}`, "Idempotency-Key", key)
		if first.body != again.body || first.header.Get("Location") != again.header.Get("Location") {
			t.Errorf("the other node answers %s at %s, not %s at %s", again.body, again.header.Get("Location"), first.body, first.header.Get("Location"))
		}

		must(t, http.StatusNoContent, "DELETE", one+"/1", "", "If-Match", `"21"`)
		must(t, http.StatusNotFound, "GET", other+"/1", "")
	})
}

// TestNodesFollow: a follower at one node hears of what is written at the other, all of it
// and in order.
func TestNodesFollow(t *testing.T) {
	const writes = 50
	onTwoNodes(t, func(t *testing.T, nodes [2]string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, nodes[1]+"/v1/notes/_changes", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/event-stream")
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		for i := range writes {
			must(t, http.StatusCreated, "PUT", fmt.Sprintf("%s/v1/notes/%d", nodes[0], i%5+i/5*10), `{}`, "If-None-Match", "*")
		}
		seen := make(map[string]int64)
		for lines := bufio.NewScanner(res.Body); len(seen) < writes && lines.Scan(); {
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok {
				continue
			}
			var change struct {
				ID      string
				Version int64
			}
			if err := json.Unmarshal([]byte(data), &change); err != nil {
				t.Fatal(err)
			}
			if seen[change.ID]++; seen[change.ID] != change.Version {
				t.Errorf("version %d of %s comes after %d", change.Version, change.ID, seen[change.ID]-1)
			}
		}
		if len(seen) != writes {
			t.Errorf("%d documents were heard of, want %d", len(seen), writes)
		}
	})
}

func policyFile(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("testdata/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// start starts the program over the store that a DSN names.
func start(t *testing.T, dsn string, args ...string) *process.Server {
	t.Helper()
	server, err := process.Start(process.Command(binary, append(process.Serve(dsn), args...)...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Terminate(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return server
}
