package protocol_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
)

// long tells whether tests run at the size for which lists are made. Without it
// they are as right and not as large.
func long() bool { return os.Getenv("IFMATCH_LONG") == "1" }

// fill writes documents straight through an engine, past HTTP. Each body is made of
// its number.
func (a *api) fill(rules *engine.Rules, documents int, id, body func(int) string) {
	a.t.Helper()
	e := engine.New(a.store, engine.Config{Chain: a.chain})
	var next atomic.Int64
	var filling sync.WaitGroup
	for range 128 {
		filling.Go(func() {
			for i := int(next.Add(1)) - 1; i < documents; i = int(next.Add(1)) - 1 {
				in := &engine.Intent{Ref: store.Ref{Part: store.Part{Collection: "notes"}, ID: id(i)}, Rules: rules, Op: engine.OpPut, Body: []byte(body(i))}
				if _, err := e.Do(context.Background(), in); err != nil {
					a.t.Errorf("filling: %v", err)
					return
				}
			}
		})
	}
	filling.Wait()
}

// stays tells which of the documents of a walk stand still: those of whole tens.
func stays(i int) bool { return i%10 == 0 }

func walkID(i int) string { return fmt.Sprintf("k%08d", i) }

// rank gives the documents of a walk an order by number that is not that of their
// ids, in which many share a place.
func rank(i, documents int) int { return (i * 7919 % documents) / 3 }

// TestWalkUnderWriters: while 16 writers insert, change and delete, a walk sees
// each item that stands still exactly once, in the list's order, whichever that
// is. Items that change may be seen as they were or as they are.
func TestWalkUnderWriters(t *testing.T) {
	documents, on := 3000, chosen()
	if long() {
		documents, on = 1_000_000, map[string]func(*testing.T) store.Store{"sqlite": openSQLite}
	}
	for name, open := range on {
		t.Run(name, func(t *testing.T) {
			rules := engine.Rules{Contract: optional, Indexes: indexes("/rank number", "/group")}
			a := newAPI(t, open(t), setup{rules: rules, maxPage: 1000})
			begun := time.Now()
			a.fill(&rules, documents, walkID, func(i int) string {
				return fmt.Sprintf(`{"rank":%d,"group":"g%d","n":%d}`, rank(i, documents), i%7, i)
			})
			t.Logf("%d documents after %v", documents, time.Since(begun).Round(time.Millisecond))
			if long() {
				a.measure(documents)
			}
			a.walkBesideWriters(documents)
		})
	}
}

func (a *api) walkBesideWriters(documents int) {
	stop := make(chan struct{})
	var writing sync.WaitGroup
	var written atomic.Int64
	for w := range 16 {
		writing.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 1))
			for {
				select {
				case <-stop:
					return
				default:
				}
				i := rng.IntN(documents)
				if stays(i) {
					i++
				}
				method, path := "PUT", "/v1/notes/"+walkID(i)
				body := fmt.Sprintf(`{"rank":%d,"group":"g%d","n":%d}`, rng.IntN(documents), rng.IntN(7), rng.IntN(1000))
				switch rng.IntN(4) {
				case 0:
					method, body = "DELETE", ""
				case 1:
					path += "x" // between what is there
				}
				got, err := a.send(method, path, body)
				if err != nil || got.status >= 400 && got.status != 404 && got.status != 503 {
					a.t.Errorf("%s: %v %d %s", method, err, got.status, got.body)
					return
				}
				written.Add(1)
			}
		})
	}
	limit := max(documents/40, 7)
	for _, query := range []string{"", "sort=rank", "sort=-rank", "group=g3", "group.in=g1,g2,g5", "sort=rank&group=g4", fmt.Sprintf("rank.gte=%d", documents/6)} {
		begun := time.Now()
		pages, seen := a.walkOnce(query, min(limit, 1000), documents)
		a.t.Logf("%q: %d that stand still in %d pages, %v, %d writes so far", query, seen, pages, time.Since(begun).Round(time.Millisecond), written.Load())
	}
	close(stop)
	writing.Wait()
	a.verify()
}

// walked is an item as a walk saw it.
type walked struct {
	id   string
	rank int
}

// walkOnce walks a list and checks what it sees.
func (a *api) walkOnce(query string, limit, documents int) (pages, seen int) {
	a.t.Helper()
	var all []walked
	path := fmt.Sprintf("/v1/notes?limit=%d&%s", limit, query)
	for cursor := ""; ; pages++ {
		var page struct {
			Items []struct {
				ID   string
				Data struct{ Rank int }
			}
			Next string
		}
		if err := json.Unmarshal([]byte(a.must(200, "GET", path+cursor, "").body), &page); err != nil {
			a.t.Fatal(err)
		}
		for _, item := range page.Items {
			all = append(all, walked{item.ID, item.Data.Rank})
		}
		if page.Next == "" {
			pages++
			break
		}
		cursor = "&cursor=" + url.QueryEscape(page.Next)
	}
	order := orderOf(query)
	if !slices.IsSortedFunc(all, order) {
		a.t.Errorf("%q is not in its order", query)
	}
	var still []walked
	for _, w := range all {
		var i int
		if n, _ := fmt.Sscanf(w.id, "k%08d", &i); n == 1 && len(w.id) == len(walkID(0)) && stays(i) {
			still = append(still, w)
		}
	}
	var want []walked
	for i := 0; i < documents; i += 10 {
		if fitsWalk(query, i, documents) {
			want = append(want, walked{walkID(i), rank(i, documents)})
		}
	}
	slices.SortFunc(want, order)
	if !slices.Equal(still, want) {
		a.t.Errorf("%q saw %d of the %d that stand still, or some of them twice", query, len(still), len(want))
	}
	return pages, len(still)
}

// orderOf returns the order of a query's list.
func orderOf(query string) func(a, b walked) int {
	byID := func(a, b walked) int { return strings.Compare(a.id, b.id) }
	up := func(a, b walked) int { return cmp.Or(cmp.Compare(a.rank, b.rank), byID(a, b)) }
	switch {
	case strings.Contains(query, "sort=-rank"):
		return func(a, b walked) int { return up(b, a) }
	case strings.Contains(query, "sort=rank"):
		return up
	}
	return byID
}

// fitsWalk tells whether a document that stands still is in a query's list.
func fitsWalk(query string, i, documents int) bool {
	for filter := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(filter, "=")
		fits := true
		switch name {
		case "group", "group.in":
			fits = slices.Contains(strings.Split(value, ","), fmt.Sprintf("g%d", i%7))
		case "rank.gte":
			fits = fmt.Sprint(documents/6) == value && rank(i, documents) >= documents/6
		}
		if !fits {
			return false
		}
	}
	return true
}

// measure prints what the first and the last page of a list cost, which must be
// much the same: a page costs what it shows, wherever it lies.
func (a *api) measure(documents int) {
	a.t.Helper()
	ask := func(path string) (time.Duration, string) {
		var took []time.Duration
		var body string
		for range 31 {
			begun := time.Now()
			body = a.must(200, "GET", path, "").body
			took = append(took, time.Since(begun))
		}
		slices.Sort(took)
		return took[len(took)/2], body
	}
	for _, query := range []string{"", "sort=rank", "sort=-rank", "group=g3", "group.in=g1,g2,g5", "sort=rank&group=g4"} {
		path := "/v1/notes?limit=100&" + query
		first, body := ask(path)
		cursor, pages := "", 0
		var next struct{ Next string }
		big := strings.Replace(path, "limit=100", "limit=1000", 1)
		walked := time.Now()
		for { // the last page but for less than 1,000 items
			next.Next = ""
			if err := json.Unmarshal([]byte(a.must(200, "GET", big+cursor, "").body), &next); err != nil {
				a.t.Fatal(err)
			}
			if pages++; next.Next == "" {
				break
			}
			cursor = "&cursor=" + url.QueryEscape(next.Next)
		}
		all := time.Since(walked)
		last, _ := ask(path + cursor)
		a.t.Logf("%-22q of %d: first page %v (%d bytes), last page %v, ratio %.2f; %d pages of 1000 in %v",
			query, documents, first.Round(time.Microsecond), len(body), last.Round(time.Microsecond), float64(last)/float64(first), pages, all.Round(time.Millisecond))
	}
}

// TestShortPages: a filter that holds for few documents ends pages early, each with
// a cursor behind what was passed over, and nothing is lost by it.
func TestShortPages(t *testing.T) {
	const documents = store.MaxScan + 50
	rules := engine.Rules{Contract: optional, Indexes: indexes("/n number", "/group")}
	onEveryStore(t, setup{rules: rules}, func(t *testing.T, a *api) {
		a.fill(&rules, documents, walkID, func(i int) string { return fmt.Sprintf(`{"n":%d,"group":"all"}`, i) })
		path := fmt.Sprintf("/v1/notes?n.gte=%d", documents-3)
		var page listPage
		if err := json.Unmarshal([]byte(a.must(200, "GET", path, "").body), &page); err != nil {
			t.Fatal(err)
		}
		if len(page.Items) != 0 || page.Next == nil {
			t.Fatalf("the first page has %d items, next %v", len(page.Items), page.Next)
		}
		want := []string{walkID(documents - 3), walkID(documents - 2), walkID(documents - 1)}
		if got := a.walk(path); !slices.Equal(got, want) {
			t.Errorf("the list is %q, want %q", got, want)
		}
		// Where an index leads, nothing is passed over.
		if page := a.list(fmt.Sprintf("?sort=n&n.gte=%d&group=all", documents-3)); len(page.Items) != 3 || page.Next != nil {
			t.Errorf("in order the first page has %d items, next %v", len(page.Items), page.Next)
		}
	})
}
