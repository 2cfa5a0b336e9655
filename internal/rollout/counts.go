package rollout

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ifmatch/ifmatch/internal/engine"
)

// maxCollections bounds the collections that are counted by name. Others are counted
// together as otherCollections, which no collection can be called.
const (
	maxCollections   = 200
	otherCollections = "_other"
)

// kinds are what unconditional writes come to, in the order in which they are told.
var kinds = []engine.Overwriting{
	engine.OverwroteLost, engine.OverwroteDisjoint, engine.OverwroteCurrent, engine.OverwroteUnread, engine.OverwroteAnonymous, engine.OverwroteUnchanged,
}

// losing are what a write can be that loses an update.
var losing = []engine.Result{engine.Replaced, engine.Patched, engine.Deleted}

// Counts are the unconditional writes of each collection since the process started. It
// is a [prometheus.Collector]. The zero value is ready, and is safe for concurrent use.
type Counts struct {
	mu           sync.Mutex
	byCollection map[string]*count
}

// count is that of one collection.
type count struct {
	writes map[engine.Overwriting]uint64
	lost   map[engine.Result]uint64
}

// Expect makes a collection be told of before anything has happened in it, so that a
// count of 0 can be told from one that nobody takes.
func (c *Counts) Expect(collection string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of(collection)
}

func (c *Counts) of(collection string) *count {
	if c.byCollection == nil {
		c.byCollection = make(map[string]*count)
	}
	if c.byCollection[collection] == nil && len(c.byCollection) >= maxCollections {
		collection = otherCollections
	}
	n := c.byCollection[collection]
	if n == nil {
		n = &count{writes: make(map[engine.Overwriting]uint64), lost: make(map[engine.Result]uint64)}
		c.byCollection[collection] = n
	}
	return n
}

func (c *Counts) add(collection string, what engine.Overwriting, did engine.Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.of(collection)
	n.writes[what]++
	if what == engine.OverwroteLost {
		n.lost[did]++
	}
}

var (
	writesSeries = prometheus.NewDesc("ifmatch_unconditional_writes_total",
		"Writes to existing documents without a precondition, where the contract observes them, by what they overwrote.", []string{"collection", "kind"}, nil)
	lostSeries = prometheus.NewDesc("ifmatch_lost_updates_total",
		"Unconditional writes that overwrote a version which is newer than the last one their sender had read, by what they did.", []string{"collection", "kind"}, nil)
)

// Describe implements [prometheus.Collector].
func (c *Counts) Describe(to chan<- *prometheus.Desc) {
	to <- writesSeries
	to <- lostSeries
}

// Collect implements [prometheus.Collector].
func (c *Counts) Collect(to chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, n := range c.byCollection {
		for _, kind := range kinds {
			to <- prometheus.MustNewConstMetric(writesSeries, prometheus.CounterValue, float64(n.writes[kind]), name, string(kind))
		}
		for _, did := range losing {
			to <- prometheus.MustNewConstMetric(lostSeries, prometheus.CounterValue, float64(n.lost[did]), name, string(did))
		}
	}
}

// Totals says in a line for each collection what has been counted, by name; none where
// nothing has.
func (c *Counts) Totals() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(c.byCollection)) {
		n := c.byCollection[name]
		var all uint64
		var parts []string
		for _, kind := range kinds {
			if count := n.writes[kind]; count > 0 {
				all += count
				parts = append(parts, fmt.Sprintf("%d %s", count, inWords[kind]))
			}
		}
		if all > 0 {
			lines = append(lines, fmt.Sprintf("%s: %d unconditional writes: %s", name, all, strings.Join(parts, ", ")))
		}
	}
	return lines
}

var inWords = map[engine.Overwriting]string{
	engine.OverwroteLost:      "lost an update",
	engine.OverwroteDisjoint:  "left what was new as it was",
	engine.OverwroteCurrent:   "overwrote what had been read",
	engine.OverwroteUnread:    "by callers who are not known to have read the document",
	engine.OverwroteAnonymous: "by callers who are anonymous",
	engine.OverwroteUnchanged: "changed nothing",
}
