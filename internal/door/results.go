package door

import (
	"maps"
	"net/http"
	"slices"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// ofTheWhole are header fields that belong to the answer as a whole, and are not
// repeated for each of its results.
var ofTheWhole = []string{"Cache-Control", "Content-Length", "Date", "Vary", "X-Request-Id"}

// spelled are the names of header fields that net/http spells in another way than the
// standard and our documentation do. On the wire that makes no difference.
var spelled = map[string]string{"Etag": "ETag", "Ifmatch-Etag": "Ifmatch-ETag", "Www-Authenticate": "WWW-Authenticate"}

// append writes the answer as a member of results.
func (rec *Recorder) append(out *jsonvalue.Writer) {
	out.Open('{').Name("status").Int(int64(rec.status)).Name("headers").Open('{')
	for _, name := range slices.Sorted(maps.Keys(rec.header)) {
		if slices.Contains(ofTheWhole, name) {
			continue
		}
		out.Name(nameOf(name)).String(join(rec.header[name]))
	}
	out.Close('}')
	if rec.body.Len() > 0 {
		out.Name("body").Raw(rec.body.Bytes())
	}
	out.Close('}')
}

func nameOf(name string) string {
	if s, ok := spelled[name]; ok {
		return s
	}
	return name
}

// Fail answers an atomic batch with what one of its operations fails with. The batch has
// no state, so that the tag of the operation's document stands in the body alone.
func (rec *Recorder) Fail(w http.ResponseWriter) {
	h := w.Header()
	for name, lines := range rec.header {
		if name != "Etag" && name != "X-Request-Id" {
			h[name] = lines
		}
	}
	send(w, rec.status, rec.body.Bytes())
}
