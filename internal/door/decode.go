package door

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/problem"
)

// decode makes the intent of a request, or the problem that it is.
func (d *Door) decode(w http.ResponseWriter, r *http.Request, t Target) (*engine.Intent, preferences, *problem.Document) {
	in := &engine.Intent{
		Ref: t.Ref, Rules: t.Rules, Conditions: d.Conditions(r), Actor: d.actor(r), Authority: t.Authority, Links: t.Links,
	}
	query, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, preferences{}, err.problem(r, t)
	}
	in.Seen = d.seen(r, t, in.Actor)
	if in.Dry = query.dryRun; in.Dry {
		w.Header()["Ifmatch-Dry-Run"] = yes
	}
	wish := parsePrefer(r.Header["Prefer"])
	wish.version = query.Version
	in.Strategy, in.Lenient, in.Wait = engine.Strategy(wish.conflict), wish.lenient, wish.patience()
	if r.Context().Value(inBatch{}) != nil {
		in.Wait = 0
	}
	limits := d.Engine.Limits()
	if r.ContentLength > limits.Body+t.Rules.Members.Room() {
		return nil, wish, tooLarge(r, t, limits.Body)
	}
	var bad *problem.Document
	if in.Op, bad = operation(w, r, t); bad != nil {
		return nil, wish, bad
	}
	if in.Op != engine.OpDelete && in.Op != engine.OpCheck {
		if in.Body, bad = readBody(w, r, t, limits); bad == nil {
			bad = checkDigests(r, t, in.Body)
		}
	}
	if bad == nil {
		in.Lease, bad = lease(r, t)
	}
	if bad == nil {
		in.Key, bad = d.key(r, t, in)
	}
	return in, wish, bad
}

// operation tells from method and media type what is to be done.
func operation(w http.ResponseWriter, r *http.Request, t Target) (engine.Op, *problem.Document) {
	switch r.Method {
	case http.MethodDelete:
		return engine.OpDelete, nil
	case MethodCheck:
		return engine.OpCheck, nil
	}
	if coding := contentCoding(r.Header["Content-Encoding"]); coding != "" {
		w.Header()["Accept-Encoding"] = []string{"identity"}
		return 0, unsupported(r, t, "Content is taken as it is. Send it without Content-Encoding: "+coding+".", nil)
	}
	if n := len(r.Header["Content-Type"]); n > 1 { // others on the way may go by another one (RFC 9110 §5.3)
		return 0, malformed(r, t, "Content-Type was sent "+strconv.Itoa(n)+" times, and content is of one type. Send it once. Nothing was done.")
	}
	media, ok := mediaType(r.Header.Get("Content-Type"))
	if r.Method != http.MethodPatch {
		if r.Header["Content-Range"] != nil {
			return 0, malformed(r, t, "PUT replaces the whole document. Send all of it without Content-Range, or use PATCH.")
		}
		if ok && isJSON(media) {
			return engine.OpPut, nil
		}
		return 0, unsupported(r, t, "Send the document as Content-Type: application/json.", []string{mediaJSON})
	}
	switch {
	case ok && media == mediaJSONPatch:
		return engine.OpJSONPatch, nil
	case ok && (media == mediaMergePatch || media == mediaJSON):
		return engine.OpMergePatch, nil
	}
	w.Header()["Accept-Patch"] = acceptPatch
	return 0, unsupported(r, t, "Send a patch as Content-Type: application/merge-patch+json or application/json-patch+json.",
		[]string{mediaMergePatch, mediaJSONPatch, mediaJSON})
}

// contentCoding returns the first coding that is not identity, of all lines of
// the header, or "".
func contentCoding(lines []string) string {
	for _, line := range lines {
		for coding := range strings.SplitSeq(line, ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
				return coding
			}
		}
	}
	return ""
}

// mediaType returns a Content-Type without its parameters. JSON is UTF-8
// (RFC 8259 §8.1); a charset that says otherwise is not taken.
func mediaType(value string) (string, bool) {
	if value == mediaJSON || value == mediaMergePatch || value == mediaJSONPatch {
		return value, true
	}
	media, params, err := mime.ParseMediaType(value)
	if err != nil {
		return "", false
	}
	charset, set := params["charset"]
	return media, !set || strings.EqualFold(charset, "utf-8")
}

func isJSON(media string) bool {
	return media == mediaJSON || strings.HasSuffix(media, "+json") && media != mediaJSONPatch && media != mediaMergePatch
}

// readBody reads a request's content. A document at the limit may come back with
// what the contract has added to it.
func readBody(w http.ResponseWriter, r *http.Request, t Target, limits engine.Limits) ([]byte, *problem.Document) {
	body, bad := readAll(w, r, t, limits.Body)
	if bad == nil && !t.Rules.Members.Fits(body, limits) {
		return nil, tooLarge(r, t, limits.Body)
	}
	return body, bad
}

func readAll(w http.ResponseWriter, r *http.Request, t Target, limit int64) ([]byte, *problem.Document) {
	if size := r.ContentLength; size >= 0 {
		body := make([]byte, size)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			return nil, malformed(r, t, "The request ended before its content did. Send it again.")
		}
		return body, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit+t.Rules.Members.Room()))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, tooLarge(r, t, limit)
	}
	if err != nil {
		return nil, malformed(r, t, "The request's content could not be read to its end. Send it again.")
	}
	return body, nil
}
