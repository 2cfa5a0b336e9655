package door

import (
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
)

// Header values that many answers share. Nobody modifies the slices.
var (
	noStore         = []string{"no-store"}
	publicNoCache   = []string{"public, no-cache"}
	privateNoCache  = []string{"private, no-cache"}
	varyPrivate     = []string{VaryPrivate}
	varyPublic      = []string{VaryByReader}
	noRanges        = []string{"none"}
	typeJSON        = []string{mediaJSON}
	acceptPatch     = []string{mediaMergePatch + ", " + mediaJSONPatch + ", " + mediaJSON}
	outcomeRejected = []string{"rejected"}
	outcomeParked   = []string{"parked"}
	yes             = []string{"true"}
)

// Outcomes are the values of Ifmatch-Outcome.
func Outcomes() []string {
	all := outcomeRejected[:1:1]
	for _, result := range engine.Answered() {
		all = append(all, string(result))
	}
	return all
}

// VaryPrivate is the Vary of what only its own reader may store.
const VaryPrivate = "Accept-Encoding, Accept, Prefer, Origin"

// VaryByReader is the Vary of what depends on who reads it.
const VaryByReader = VaryPrivate + ", Authorization"

// SetCaching lets a read under rules be stored, to be revalidated before each use: by
// anybody where nobody is asked who they are, else by the reader alone. What not every
// reader sees, all of it or some, is stored for each of their credentials.
func (d *Door) SetCaching(h http.Header, rules *engine.Rules) {
	switch {
	case rules.Readers != nil, rules.Reserved.Access && d.Actor != nil:
		h["Cache-Control"], h["Vary"] = privateNoCache, varyPublic
	case d.Actor == nil:
		h["Cache-Control"], h["Vary"] = publicNoCache, varyPublic
	default:
		h["Cache-Control"], h["Vary"] = privateNoCache, varyPrivate
	}
}

// Correlation returns the id under which a request is logged and answered: its
// X-Request-Id where that is a UUID, else a fresh UUIDv7.
func Correlation(r *http.Request) string {
	if ids := r.Header["X-Request-Id"]; len(ids) == 1 && len(ids[0]) == 36 {
		if id, err := uuid.Parse(ids[0]); err == nil {
			return id.String()
		}
	}
	return uuid.Must(uuid.NewV7()).String()
}

// maxRequestID bounds what is echoed of X-Request-Id.
const maxRequestID = 200

// EchoRequestID repeats a request's X-Request-Id in its answer.
func EchoRequestID(h http.Header, r *http.Request) {
	if ids := r.Header["X-Request-Id"]; len(ids) == 1 && len(ids[0]) <= maxRequestID {
		h["X-Request-Id"] = ids
	}
}

// SetState announces a document's state: its tag and its modification date. The
// date is never later than Date, and never runs backwards; where the clock was
// set back below it, Date is held up instead (RFC 9110 §8.8.2.1).
func (d *Door) SetState(h http.Header, t Target, head *store.Head) {
	d.setState(h, engine.ETagOf(head, &t.Rules.Contract), head)
}

func (d *Door) setState(h http.Header, tag ifmatch.ETag, head *store.Head) {
	h["Etag"] = etag(tag)
	if head.At.IsZero() { // a library user's store that keeps no dates
		return
	}
	modified := httpDate(head.At)
	h["Last-Modified"] = modified
	if head.At.Unix() > d.now().Unix() {
		h["Date"] = modified
	}
}

func (d *Door) now() time.Time {
	if d.Now == nil {
		return time.Now()
	}
	return d.Now()
}

func setBody(h http.Header, contentType []string, length int) {
	h["Content-Type"] = contentType
	h["Content-Length"] = contentLength(length)
}

func join(words []string) string { return strings.Join(words, ", ") }
