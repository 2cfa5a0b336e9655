package door

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ifmatch/ifmatch"
)

// Header values that come again and again are made once. The tables are
// direct-mapped: a slot holds the value that was last asked for, so that they
// stay small whatever is asked.
var (
	dates   [1024]atomic.Pointer[interned]
	lengths [4096]atomic.Pointer[interned]
	tags    [4096]atomic.Pointer[interned] // of versions
)

// interned is a header's value with what it was made of.
type interned struct {
	key   int64
	value []string
}

func intern(slot *atomic.Pointer[interned], key int64, render func() string) []string {
	if have := slot.Load(); have != nil && have.key == key {
		return have.value
	}
	fresh := &interned{key: key, value: []string{render()}}
	slot.Store(fresh)
	return fresh.value
}

// httpDate returns the header value of a date (RFC 9110 §5.6.7).
func httpDate(t time.Time) []string {
	second := t.Unix()
	return intern(&dates[uint64(second)%uint64(len(dates))], second, func() string {
		return t.UTC().Format(http.TimeFormat)
	})
}

// etag returns the header value of an entity tag.
func etag(t ifmatch.ETag) []string {
	version, ok := t.Version()
	if !ok || t.IsWeak() {
		return []string{t.String()}
	}
	return intern(&tags[version%int64(len(tags))], version, t.String)
}

// contentLength returns the header value of a length.
func contentLength(n int) []string {
	return intern(&lengths[n%len(lengths)], int64(n), func() string { return strconv.Itoa(n) })
}
