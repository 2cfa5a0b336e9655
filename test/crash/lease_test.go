package crash_test

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const leased = "/v1/docs/leased"

// ask sends a request, with headers in pairs, and returns status and body.
func (s *server) ask(t *testing.T, method, path, body string, headers ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", jsonType)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, s.Stderr)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(got)
}

// take takes a lease of so many milliseconds, waiting for it if need be.
func (s *server) take(t *testing.T, ttl string) (lease string, fencing int64) {
	t.Helper()
	status, body := s.ask(t, "POST", leased+"/_lease", `{"ttlMs":`+ttl+`}`, "Prefer", "wait=20")
	var l struct {
		Lease   string
		Fencing int64
	}
	if err := json.Unmarshal([]byte(body), &l); err != nil || status != http.StatusCreated {
		t.Fatalf("no lease: %d %s, %v", status, body, err)
	}
	return l.Lease, l.Fencing
}

// TestKillWithALease ends the server while a client holds a lease. The next one knows
// it: the holder writes on, others are locked out, and when it is over, by the clock
// and though nobody has given it back, whoever waits has the document.
func TestKillWithALease(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crash.db")
	first := start(t, path)
	if status, body := first.ask(t, "PUT", leased, `{"n":1}`); status != http.StatusCreated {
		t.Fatal(status, body)
	}
	held, fence := first.take(t, "300000")
	first.Kill()

	second := start(t, path)
	write := func(s *server, want int, headers ...string) {
		t.Helper()
		if status, body := s.ask(t, "PATCH", leased, `{"m":1}`, append(headers, "If-Match", `*`)...); status != want {
			t.Errorf("%d, want %d: %s", status, want, body)
		}
	}
	write(second, http.StatusLocked)
	write(second, http.StatusOK, "Ifmatch-Lease", held)
	if status, body := second.ask(t, "PUT", leased+"/_lease", `{"ttlMs":1500}`, "Ifmatch-Lease", held); status != http.StatusOK {
		t.Fatal(status, body)
	}
	renewed := time.Now()
	second.Kill() // and the holder with it

	third := start(t, path)
	_, next := third.take(t, "60000")
	if next <= fence {
		t.Errorf("the lease after the crash has the fencing number %d, the one before %d", next, fence)
	}
	t.Logf("freed %s after it was renewed for 1.5s", time.Since(renewed).Round(time.Millisecond))
	write(third, http.StatusPreconditionFailed, "Ifmatch-Lease", held)
	third.Kill()
	verify(t, path)
}
