package protocol_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch/internal/engine"
)

const racers = 64

// scaled is n, or less where the machine has better things to do.
func scaled(n int) int {
	if testing.Short() || raceDetector || *withPrism {
		return max(n/20, 2)
	}
	return n
}

// increments is how many each client makes. Every one of them has some twenty
// losers, so that the 200 of a long run take minutes; IFMATCH_LONG=1 asks for it.
func increments() int {
	if os.Getenv("IFMATCH_LONG") != "" {
		return 200
	}
	return scaled(16)
}

// loss is what the loser of a race was told.
type loss struct {
	sent, current int64
	value         string // of the counter, by the conflict document
	applied       bool
}

// TestCounter: many clients count one document up under If-Match. All write the
// same body from the same version, so only the store can tell them apart.
func TestCounter(t *testing.T) {
	onEveryStoreAlone(t, setup{}, func(t *testing.T, a *api) {
		const path = "/v1/notes/counter"
		a.must(201, "PUT", path, `{"n":0}`)
		var mu sync.Mutex
		var losses []loss
		winners := map[int64]int{} // how many were told that they made a version
		var clients sync.WaitGroup
		for range racers {
			clients.Go(func() {
				version := int64(1)
				for done := 0; done < increments(); {
					got, err := a.send("PUT", path, fmt.Sprintf(`{"n":%d}`, version), "If-Match", fmt.Sprintf(`"%d"`, version))
					if err != nil {
						t.Error(err)
						return
					}
					tag, parseErr := strconv.ParseInt(strings.Trim(got.header.Get("ETag"), `"`), 10, 64)
					switch {
					case parseErr != nil:
						t.Errorf("%d with the tag %q: %s", got.status, got.header.Get("ETag"), got.body)
						return
					case got.status == 200:
						done++
						mu.Lock()
						winners[tag]++
						mu.Unlock()
						if tag != version+1 || got.header.Get("Ifmatch-Outcome") != "replaced" {
							t.Errorf("version %d became %d, %s", version, tag, got.header.Get("Ifmatch-Outcome"))
						}
					case got.status == 412:
						l, err := lossOf(got, version)
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						losses = append(losses, l)
						mu.Unlock()
					default:
						t.Errorf("%d: %s", got.status, got.body)
						return
					}
					version = tag
				}
			})
		}
		clients.Wait()
		total := int64(racers * increments())
		a.body(a.must(200, "GET", path, ""), fmt.Sprintf(`{"n":%d}`, total))
		a.header(a.must(200, "GET", path, ""), "ETag", fmt.Sprintf(`"%d"`, total+1))
		for version := int64(2); version <= total+1; version++ {
			if winners[version] != 1 {
				t.Errorf("%d clients made version %d", winners[version], version)
			}
		}
		values := a.valuesOf(path)
		for _, l := range losses {
			if l.current <= l.sent || l.value != values[l.current] || l.applied != (l.current == l.sent+1) {
				t.Fatalf("a loser was told %+v; version %d held %s", l, l.current, values[l.current])
			}
		}
		t.Logf("%d increments, %d losers", total, len(losses))
		a.verify()
	})
}

// lossOf reads what a 412 says about the counter.
func lossOf(got answer, sent int64) (loss, error) {
	var p problem
	if err := json.Unmarshal([]byte(got.body), &p); err != nil {
		return loss{}, err
	}
	if p.YourVersion != sent || p.AlreadyApplied == nil || len(p.Changes) != 1 || p.Changes[0].Version != p.CurrentVersion && p.CurrentVersion-sent <= 32 {
		return loss{}, fmt.Errorf("version %d was refused with %s", sent, got.body)
	}
	if want := fmt.Sprintf(`"%d"`, p.CurrentVersion); got.header.Get("ETag") != want || p.CurrentEtag != want {
		return loss{}, fmt.Errorf("ETag %s, currentEtag %s, currentVersion %d", got.header.Get("ETag"), p.CurrentEtag, p.CurrentVersion)
	}
	return loss{sent: sent, current: p.CurrentVersion, value: string(p.Changes[0].To), applied: *p.AlreadyApplied}, nil
}

// valuesOf returns what the counter was in each version.
func (a *api) valuesOf(path string) map[int64]string {
	a.t.Helper()
	values, query := map[int64]string{}, "?limit=1000"
	for {
		page := a.history(path + query)
		for _, e := range page.Items {
			want := strconv.FormatInt(e.Version-1, 10)
			if e.Sha256 != sha256Hex(`{"n":`+want+`}`) {
				a.t.Errorf("version %d does not hold %s", e.Version, want)
			}
			values[e.Version] = want
		}
		if page.Next == "" {
			return values
		}
		query = "?limit=1000&cursor=" + page.Next
	}
}

// TestUnconditionalPatchesLoseNothing: last-write-wins is for those who ask for
// nothing, but a patch still lands on the state at commit.
func TestUnconditionalPatchesLoseNothing(t *testing.T) {
	onEveryStoreAlone(t, setup{rules: engine.Rules{Contract: optional}}, func(t *testing.T, a *api) {
		const path = "/v1/notes/shared"
		a.must(201, "PUT", path, `{"list":[],"set":{}}`)
		each := scaled(50)
		var clients sync.WaitGroup
		for c := range racers {
			clients.Go(func() {
				for i := range each {
					name := fmt.Sprintf("%d-%d", c, i)
					body, media := `{"set":{"`+name+`":true}}`, "application/merge-patch+json"
					if i%2 == 0 {
						body, media = `[{"op":"add","path":"/list/-","value":"`+name+`"}]`, jsonPatch
					}
					got, err := a.send("PATCH", path, body, "Content-Type", media, "Prefer", "return=minimal")
					if err != nil || got.status != 204 || got.header.Get("Ifmatch-Outcome") != "patched" {
						t.Errorf("%s: %v %d %s", name, err, got.status, got.body)
					}
				}
			})
		}
		clients.Wait()
		got := a.must(200, "GET", path, "")
		var doc struct {
			List []string
			Set  map[string]bool
		}
		if err := json.Unmarshal([]byte(got.body), &doc); err != nil {
			t.Fatal(err)
		}
		have := map[string]int{}
		for _, name := range doc.List {
			have[name]++
		}
		for name := range doc.Set {
			have[name]++
		}
		for c := range racers {
			for i := range each {
				if name := fmt.Sprintf("%d-%d", c, i); have[name] != 1 {
					t.Errorf("%s is there %d times", name, have[name])
				}
			}
		}
		a.header(got, "ETag", fmt.Sprintf(`"%d"`, racers*each+1))
		a.verify()
	})
}

// TestOneCreates: of many who create one document at once, exactly one does.
func TestOneCreates(t *testing.T) {
	for name, headers := range map[string][]string{"If-None-Match": {"If-None-Match", "*"}, "unconditional": nil} {
		t.Run(name, func(t *testing.T) {
			onEveryStore(t, setup{}, func(t *testing.T, a *api) {
				for round := range scaled(60) {
					path := fmt.Sprintf("/v1/notes/%d", round)
					var mu sync.Mutex
					count := map[int]int{}
					var clients sync.WaitGroup
					for range 16 {
						clients.Go(func() {
							got, err := a.send("PUT", path, `{"n":1}`, headers...)
							if err != nil {
								t.Error(err)
							}
							mu.Lock()
							count[got.status]++
							mu.Unlock()
						})
					}
					clients.Wait()
					if count[201] != 1 || count[412]+count[428] != 15 {
						t.Errorf("round %d: %v", round, count)
					}
				}
				a.verify()
			})
		})
	}
}
