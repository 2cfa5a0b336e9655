package crash_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// shelves are collections of which each batch writes one document each, all under one id.
var shelves = []string{"red", "green", "blue", "black", "white"}

// batchOf is a batch that creates a document of that id on every shelf.
func batchOf(id string) string {
	var ops []string
	for _, shelf := range shelves {
		ops = append(ops, fmt.Sprintf(`{"method":"PUT","path":"/v1/%s/%s","headers":{"If-None-Match":"*"},"body":{}}`, shelf, id))
	}
	return `{"atomic":true,"operations":[` + strings.Join(ops, ",") + `]}`
}

// TestKillBatches ends the server with kill -9 while many clients send atomic batches:
// of each either every document is there or none, and of what was acknowledged every one.
func TestKillBatches(t *testing.T) {
	rounds, clients := rounds()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "crash.db")
	acked := map[string]bool{}
	sent := 0
	for round := range (rounds + 1) / 2 {
		s := start(t, path)
		sent += batchUntilKilled(t, s, round, clients, 1+rng.IntN(300), acked)
		again := start(t, path)
		there := map[string]int{}
		for _, shelf := range shelves {
			for _, id := range idsOn(t, again.URL, shelf) {
				there[id]++
			}
		}
		again.Kill()
		verify(t, path)
		for id, n := range there {
			if n != len(shelves) {
				t.Errorf("round %d: of the batch %s %d documents of %d are there", round, id, n, len(shelves))
			}
		}
		for id, ok := range acked {
			if ok && there[id] == 0 {
				t.Errorf("round %d: the batch %s was acknowledged and is not there", round, id)
			}
		}
		if t.Failed() {
			t.Fatalf("the server said: %s", s.Stderr)
		}
		if round == (rounds+1)/2-1 {
			t.Logf("%d batches sent, %d acknowledged, %d there", sent, len(acked), len(there))
		}
	}
}

// batchUntilKilled has clients send batches until the server is ended, after so many
// answers. It adds the ids that were acknowledged, and returns how many were sent.
func batchUntilKilled(t *testing.T, s *server, round, clients, answers int, acked map[string]bool) (sent int) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	var mu sync.Mutex
	enough := make(chan struct{})
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("r%d-c%d-%d", round, c, i)
				res, err := client.Post(s.URL+"/_batch", jsonType, strings.NewReader(batchOf(id)))
				mu.Lock()
				sent++
				mu.Unlock()
				if err != nil {
					return // the server is gone
				}
				res.Body.Close()
				mu.Lock()
				if acked[id] = res.StatusCode == http.StatusOK; !acked[id] {
					t.Errorf("%s: %s", id, res.Status)
				}
				if answers--; answers == 0 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	s.Kill()
	all.Wait()
	return sent
}

// idsOn lists what is on a shelf.
func idsOn(t *testing.T, url, shelf string) (ids []string) {
	t.Helper()
	cursor := ""
	for {
		res, err := http.Get(url + "/v1/" + shelf + "?limit=1000" + cursor)
		if err != nil {
			t.Fatal(err)
		}
		var page struct {
			Items []struct{ ID string }
			Next  string
		}
		err = json.NewDecoder(res.Body).Decode(&page)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			ids = append(ids, item.ID)
		}
		if page.Next == "" {
			return ids
		}
		cursor = "&cursor=" + page.Next
	}
}
