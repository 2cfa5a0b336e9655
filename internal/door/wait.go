package door

import (
	"net/http"
	"strconv"
	"time"
)

// maxFeedWait is how long a request may wait for a change, in seconds: less than
// proxies as a rule wait for an answer.
const maxFeedWait = 50

// Waits returns how long a request lets its answer wait for a change (Prefer: wait, RFC
// 7240 §4.3), 0 for not at all, and the preference as it is applied.
func Waits(r *http.Request) (patience time.Duration, applied string) {
	wish := parsePrefer(r.Header["Prefer"])
	return time.Duration(wish.wait) * time.Second, "wait=" + strconv.FormatInt(wish.wait, 10)
}
