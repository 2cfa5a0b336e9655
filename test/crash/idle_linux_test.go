package crash_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	idleFollowers = 1000
	idleWrites    = 4000
	// mostIdle is what they may cost in memory, in KiB.
	mostIdle = 60 << 10
)

// TestIdleFollowers has a thousand streams on which nothing comes, and writes beside
// them. It holds what they cost in memory to a bound, and tells what they cost writers.
func TestIdleFollowers(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED, NOT CHECKED: takes a thousand connections and some seconds")
	}
	rounds := 1
	if *torture {
		rounds = 9
	}
	s := start(t, filepath.Join(t.TempDir(), "idle.db"))
	s.write(t, "warm")
	var slower []float64
	for round := range rounds {
		// Alone and beside them in turn, since the host's speed drifts and the store grows.
		alone := s.write(t, fmt.Sprint("alone", round))
		before := s.resident(t)
		leave := s.follow(t, idleFollowers)
		// Later ones live in the memory that the first have left.
		if cost := s.resident(t) - before; round == 0 {
			t.Logf("%d idle followers take %.1f MiB", idleFollowers, float64(cost)/1024)
			if cost > mostIdle {
				t.Errorf("%d idle followers take %d KiB, more than %d", idleFollowers, cost, mostIdle)
			}
		}
		beside := s.write(t, fmt.Sprint("beside", round))
		slower = append(slower, 100*(float64(beside)/float64(alone)-1))
		t.Logf("a write takes %s of processor time alone and %s beside them: %+.1f %%", alone, beside, slower[round])
		if round < rounds-1 {
			leave()
		}
	}
	slices.Sort(slower)
	t.Logf("in the middle of %d rounds: %+.1f %%", rounds, slower[rounds/2])
	if err := s.terminate(t); err != nil {
		t.Errorf("with followers the server ends with %v: %s", err, s.Stderr)
	}
}

// follow opens streams on which nothing comes, and returns what ends them.
func (s *server) follow(t *testing.T, n int) (leave func()) {
	t.Helper()
	transport := &http.Transport{DisableCompression: true}
	ctx, leave := context.WithCancel(t.Context())
	var opening sync.WaitGroup
	turns := make(chan struct{}, 50)
	for range n {
		opening.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/v1/quiet/_changes", nil)
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
	return leave
}

// write creates documents from 16 clients, and returns what one takes of the server's
// processor time.
func (s *server) write(t *testing.T, name string) time.Duration {
	t.Helper()
	before := s.processor(t)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	var writing sync.WaitGroup
	for c := range 16 {
		writing.Go(func() {
			for i := range idleWrites / 16 {
				r, err := http.NewRequest(http.MethodPut, fmt.Sprintf("%s/v1/busy/%s-%d-%d", s.URL, name, c, i), strings.NewReader(`{"n":1}`))
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
	return (s.processor(t) - before) / idleWrites
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
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.PID(), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
