package door

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/problem"
)

// rendering writes the header of the answer to an outcome, and returns its status
// and body; a body of nil is none.
type rendering func(h http.Header, out *engine.Outcome) (status int, body []byte)

// stored is the head of an answer that is kept under an idempotency key. As it is
// stored it is a line of JSON, and the body follows.
type stored struct {
	Status int                 `json:"status"`
	Header map[string][]string `json:"header"`
	Body   bool                `json:"body,omitempty"`  // there is one, perhaps empty
	Roles  []string            `json:"roles,omitempty"` // of whom it was made for
	Shown  []engine.Shown      `json:"shown,omitempty"` // of its document, or of each member's
}

// encode makes what is stored of an answer. Date is when an answer is sent, not
// when it was made.
func (render rendering) encode(out *engine.Outcome, roles []string) ([]byte, error) {
	header := http.Header{}
	status, body := render(header, out)
	delete(header, "Date")
	head, err := json.Marshal(stored{Status: status, Header: header, Body: body != nil, Roles: roles, Shown: out.Shown()})
	if err != nil {
		return nil, err
	}
	return append(append(head, '\n'), body...), nil
}

var errStored = errors.New("door: a stored answer cannot be read")

func decodeStored(content []byte) (s stored, body []byte, err error) {
	head, body, ok := bytes.Cut(content, []byte{'\n'})
	if !ok {
		return s, nil, errStored
	}
	if err := json.Unmarshal(head, &s); err != nil {
		return s, nil, fmt.Errorf("%w: %w", errStored, err)
	}
	if s.Status < 200 || s.Status > 299 {
		return s, nil, fmt.Errorf("%w: its status is %d", errStored, s.Status)
	}
	if !s.Body {
		body = nil
	}
	return s, body, nil
}

// sendStored sends what was stored as the answer to a request: to the first one of
// its key, and to each that is the same again.
func (d *Door) sendStored(w http.ResponseWriter, r *http.Request, t Target, in *engine.Intent, out *engine.Outcome, refuse func(error)) {
	s, body, err := decodeStored(out.Answer)
	if err != nil {
		d.Refuse(w, r, t, in.Correlation, err)
		return
	}
	h := w.Header()
	if out.Replayed {
		if !holdsAll(in.Actor.Roles, s.Roles) {
			d.Problem(w, r, about(r, t, problem.Forbidden, "This request was carried out before, under this Idempotency-Key. You no longer have every role that you had then, so that its answer is not shown again. Read the document to see what it is now."))
			return
		}
		if err := d.permitReplay(r.Context(), in, s.Shown); err != nil {
			refuse(err)
			return
		}
		h["Idempotent-Replayed"] = yes
	}
	maps.Copy(h, s.Header)
	d.holdUpDate(h)
	SetReprDigest(h, r, body)
	send(w, s.Status, body)
}

// permitReplay refuses who may not see any more what a stored answer shows: of one
// document, or of the document of each member of a batch. Such a refusal is one of the
// batch as a whole, for nothing was to be done.
func (d *Door) permitReplay(ctx context.Context, in *engine.Intent, shown []engine.Shown) error {
	about := []*engine.Intent{in}
	if in.Members != nil {
		about = in.Members
	}
	if len(shown) != len(about) {
		return fmt.Errorf("%w: it shows %d documents, and was asked for %d", errStored, len(shown), len(about))
	}
	for i := range about {
		if err := d.Engine.PermitReplay(ctx, about[i], shown[i]); err != nil {
			return err
		}
	}
	return nil
}

// holdsAll tells whether has holds all of had: an answer shows what its reader was
// allowed to see then.
func holdsAll(has, had []string) bool {
	for _, role := range had {
		if !slices.Contains(has, role) {
			return false
		}
	}
	return true
}

// holdUpDate keeps Date from being earlier than Last-Modified.
func (d *Door) holdUpDate(h http.Header) {
	modified := h["Last-Modified"]
	if len(modified) != 1 {
		return
	}
	if at, err := http.ParseTime(modified[0]); err == nil && at.Unix() > d.now().Unix() {
		h["Date"] = modified
	}
}

func send(w http.ResponseWriter, status int, body []byte) {
	w.WriteHeader(status)
	if body != nil {
		_, _ = w.Write(body) // an error means that the client is gone
	}
}
