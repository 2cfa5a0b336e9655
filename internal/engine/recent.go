package engine

import (
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// The bounds on what is remembered of a hot document's versions.
const (
	maxRecent      = 512
	maxRecentBytes = 2 << 20
)

// recent remembers the newest versions of a document that were written through
// its queue: what its writers read a moment ago and merge with now. A version
// never changes, so that it needs no rule about when it is out of date. While a
// document is hot its writers may merge with more versions than the collection
// keeps, so that a slow one is not refused for the haste of the others.
type recent struct {
	versions []version // oldest first
	bytes    int
}

// version is a durable log row with its body, and that parsed.
type version struct {
	entry *store.Entry
	value jsonvalue.Value
}

func (r *recent) add(e *store.Entry, v jsonvalue.Value) {
	r.versions = append(r.versions, version{e, v})
	r.bytes += len(e.Body)
	for len(r.versions) > maxRecent || r.bytes > maxRecentBytes && len(r.versions) > 0 {
		r.bytes -= len(r.versions[0].entry.Body)
		r.versions[0] = version{} // or the array would keep it
		r.versions = r.versions[1:]
	}
}

func (r *recent) find(number int64) (version, bool) {
	for i := len(r.versions) - 1; i >= 0; i-- {
		if r.versions[i].entry.Version == number {
			return r.versions[i], true
		}
	}
	return version{}, false
}

// recently returns what is remembered of a version of this write's document.
func (w *write) recently(number int64) (version, bool) {
	if w.queue == nil {
		return version{}, false
	}
	a := &w.queue.ahead
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.recent.find(number)
}

// contentOf parses what a log row holds.
func (w *write) contentOf(e *store.Entry) (jsonvalue.Value, error) {
	if v, ok := w.recently(e.Version); ok && v.entry == e {
		return v.value, nil
	}
	return w.engine.parseLike(e.Body, w.content.value)
}
