package crash_test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// mostIdle is what a thousand followers may cost in memory, in KiB.
const mostIdle = 60 << 10

// TestIdleFollowers has a thousand streams on which nothing comes, and writes beside
// them. It holds what they cost in memory to a bound, and tells what they cost writers.
func TestIdleFollowers(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED, NOT CHECKED: takes a thousand connections and some seconds")
	}
	const followers, writes = 1000, 4000
	s := start(t, filepath.Join(t.TempDir(), "idle.db"))
	s.write(t, "warm", writes)
	alone := s.write(t, "alone", writes)
	before := s.resident(t)
	transport := &http.Transport{DisableCompression: true}
	var opening sync.WaitGroup
	turns := make(chan struct{}, 50)
	for range followers {
		opening.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			r, err := http.NewRequest(http.MethodGet, s.url+"/v1/quiet/_changes", nil)
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Accept", "text/event-stream")
			res, err := transport.RoundTrip(r)
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { res.Body.Close() })
			if line, err := bufio.NewReaderSize(res.Body, 16).ReadSlice('\n'); err != nil || string(line) != "retry: 1000\n" {
				t.Errorf("a stream begins with %q, %v", line, err)
			}
		})
	}
	opening.Wait()
	cost := s.resident(t) - before
	t.Logf("%d idle followers take %.1f MiB", followers, float64(cost)/1024)
	if cost > mostIdle {
		t.Errorf("%d idle followers take %d KiB, more than %d", followers, cost, mostIdle)
	}
	beside := s.write(t, "beside", writes)
	t.Logf("a write takes %s of processor time alone and %s beside them: %+.1f %%", alone, beside, 100*(float64(beside)/float64(alone)-1))
	if err := s.terminate(t); err != nil {
		t.Errorf("with followers the server ends with %v: %s", err, s.stderr)
	}
}

// write creates documents from 16 clients, and returns what one takes of the server's
// processor time.
func (s *server) write(t *testing.T, name string, n int) time.Duration {
	t.Helper()
	before := s.processor(t)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	var writing sync.WaitGroup
	for c := range 16 {
		writing.Go(func() {
			for i := range n / 16 {
				r, err := http.NewRequest(http.MethodPut, fmt.Sprintf("%s/v1/busy/%s-%d-%d", s.url, name, c, i), strings.NewReader(`{"n":1}`))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Content-Type", jsonType)
				res, err := client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				res.Body.Close()
				if res.StatusCode != http.StatusCreated {
					t.Error(res.Status)
				}
			}
		})
	}
	writing.Wait()
	return (s.processor(t) - before) / time.Duration(n)
}

// resident is the server's memory in KiB (proc(5)).
func (s *server) resident(t *testing.T) int {
	t.Helper()
	text := s.proc(t, "status")
	_, rest, _ := strings.Cut(text, "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(rest + " -")[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib
}

// processor is the time that the server has taken (proc(5)), which Linux counts in
// hundredths of a second.
func (s *server) processor(t *testing.T) time.Duration {
	t.Helper()
	text := s.proc(t, "stat")
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	var total time.Duration
	for _, field := range fields[11:13] {
		ticks, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		total += time.Duration(ticks) * 10 * time.Millisecond
	}
	return total
}

func (s *server) proc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.cmd.Process.Pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
