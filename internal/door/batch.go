package door

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// MethodCheck is the method of an operation in a batch that asserts the state of a
// document which the batch does not write. No request has it.
const MethodCheck = "CHECK"

// BatchPart is where batches are, so that their idempotency keys have a scope.
var BatchPart = store.Part{Collection: "_batch"}

// Batch is a request for several operations at once.
type Batch struct {
	Body []byte
	Dry  bool

	intent  *engine.Intent
	request *http.Request
	target  Target
}

// OpenBatch reads a request that carries a batch. Where it cannot be carried out
// whatever is in it, OpenBatch answers it and returns nil.
func (d *Door) OpenBatch(w http.ResponseWriter, r *http.Request, path string) *Batch {
	t := Target{Ref: store.Ref{Part: BatchPart}, Rules: &engine.Rules{}, Path: path}
	in, _, bad := d.decode(w, r, t)
	if bad == nil && !in.Conditions.IsZero() {
		bad = malformed(r, t, "A batch has no state that a precondition could be about. Give each operation its own, under its headers. Nothing was done.")
	}
	if bad != nil {
		d.Problem(w, r, bad)
		return nil
	}
	in.Correlation = Correlation(r)
	return &Batch{Body: in.Body, Dry: in.Dry, intent: in, request: r, target: t}
}

// Correlation returns the id under which the batch and its operations are logged and
// answered.
func (b *Batch) Correlation() string { return b.intent.Correlation }

// Malformed refuses a batch that cannot be read, before anything of it is done: the
// operation of that index, or with -1 as a whole.
func (d *Door) Malformed(w http.ResponseWriter, b *Batch, index int, detail string) {
	p := malformed(b.request, b.target, detail)
	p.CorrelationID = b.intent.Correlation
	if index >= 0 {
		p.FailedIndex = &index
	}
	d.Problem(w, b.request, p)
}

// Operation is a request that was made of one operation of a batch. Only the methods of
// this package read it.
type Operation struct {
	request *http.Request
	target  Target
	intent  *engine.Intent
	header  http.Header // of its answer, as far as the request alone says
	render  rendering
}

// OperationKind says what a path is that an operation is about.
type OperationKind uint8

// The kinds.
const (
	OnDocument      OperationKind = iota // PUT, PATCH, DELETE and CHECK
	OnCollection                         // POST, of a new document
	OnContributions                      // POST, of a new contribution
	OnContribution                       // DELETE
)

// Operation decodes one operation of an atomic batch, whose request is r. Of
// OnContribution id is which. Where it has no chance it is answered on w, and ok is
// false.
func (d *Door) Operation(w *Recorder, r *http.Request, t Target, kind OperationKind, id string) (op *Operation, ok bool) {
	in, wish, bad := d.decode(w, r, t)
	if bad != nil {
		d.Problem(w, r, bad)
		return nil, false
	}
	if t.Barred != nil {
		d.Refuse(w, r, t, Correlation(r), t.Barred)
		return nil, false
	}
	op = &Operation{request: r, target: t, intent: in, header: w.header}
	switch {
	case in.Op == engine.OpCheck:
		op.render = checking(t)
	case kind == OnCollection:
		if !in.Conditions.IsZero() {
			d.Problem(w, r, malformed(r, t, "In an atomic batch a POST has no precondition: it would be about the collection, which no commit depends on. Leave it out. Nothing was done."))
			return nil, false
		}
		in.Post()
		op.render = d.creating(t, in, wish)
	case kind == OnContributions:
		in.Op = engine.OpContribute
		op.render = contributing(t, in, wish)
	case kind == OnContribution:
		in.Op, in.Contribution = engine.OpWithdraw, id
		op.render = withdrawing(t, in)
	default:
		op.render = d.rendering(t, in, wish)
	}
	return op, true
}

// checking is how a CHECK is answered that holds.
func checking(t Target) rendering {
	return func(h http.Header, out *engine.Outcome) (int, []byte) {
		h["Ifmatch-Outcome"] = []string{string(out.Result)}
		if doc := out.Document; doc.Exists() {
			name := "Etag"
			if out.Partial {
				name = "Ifmatch-Etag"
			}
			h[name] = etag(engine.ETagOf(&doc.Head, &t.Rules.Contract))
		}
		return http.StatusNoContent, nil
	}
}

// inBatch is the key of a context whose request is an operation of a batch, and
// failedIndex of one that holds which operation a problem is of.
type (
	inBatch     struct{}
	failedIndex struct{}
)

// InBatch returns r as the request of an operation: it waits for nobody, or a thousand of
// them would one after the other.
func InBatch(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), inBatch{}, true))
}

// Failing returns r so that its problems are told as those of an atomic batch which its
// operation of that index fails.
func Failing(r *http.Request, index int) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), failedIndex{}, index))
}

// ServeTogether carries operations out as one, and answers the batch.
func (d *Door) ServeTogether(w http.ResponseWriter, b *Batch, ops []*Operation) {
	in := b.intent
	for _, op := range ops {
		in.Members = append(in.Members, op.intent)
	}
	render := func(h http.Header, out *engine.Outcome) (int, []byte) {
		results := make([]*Recorder, len(ops))
		for i, op := range ops {
			results[i] = &Recorder{header: maps.Clone(op.header)}
			status, body := op.render(results[i].header, out.Members[i])
			results[i].status = status
			results[i].body.Write(body)
		}
		return renderResults(h, results)
	}
	d.answerOnce(w, b.request, b.target, in, d.Engine.Together, render, func(err error) {
		if m, ok := errors.AsType[*engine.MemberError](err); ok {
			op, rec := ops[m.Index], NewRecorder()
			d.Refuse(rec, op.request, op.target, in.Correlation, m.Refusal)
			rec.Fail(w)
			return
		}
		d.Refuse(w, b.request, b.target, in.Correlation, err)
	})
}

// Spend gives the batch's idempotency key to operations that are carried out one by one,
// each under a key of its own; see [engine.Engine.Spend]. All of them have one place.
// Where it is another batch's, or there is no place, it answers, and returns nil.
func (d *Door) Spend(w http.ResponseWriter, b *Batch) (done func()) {
	place, admitted := d.admit(w, b.request)
	if !admitted {
		return nil
	}
	b.intent.Place = place
	spent, err := d.Engine.Spend(b.request.Context(), b.intent)
	if err != nil {
		place.Leave()
		d.Refuse(w, b.request, b.target, b.intent.Correlation, err)
		return nil
	}
	return func() { spent(); place.Leave() }
}

// KeyOf returns the key of an operation that is carried out by itself, "" for none. It is
// as hard to come upon as that of the batch.
func (b *Batch) KeyOf(index int) string {
	if b.intent.Key == nil {
		return ""
	}
	sum := sha256.Sum256([]byte("operation " + strconv.Itoa(index) + " of " + b.intent.Key.Key))
	return hex.EncodeToString(sum[:])
}

// SendResults answers a batch whose operations were carried out one by one.
func (d *Door) SendResults(w http.ResponseWriter, b *Batch, results []*Recorder) {
	status, body := renderResults(w.Header(), results)
	SetReprDigest(w.Header(), b.request, body)
	send(w, status, body)
}

func renderResults(h http.Header, results []*Recorder) (status int, body []byte) {
	out := jsonvalue.NewWriter(nil).Open('{').Name("results").Open('[')
	for _, result := range results {
		result.append(out)
	}
	body = out.Close(']').Close('}').Bytes()
	h["Cache-Control"] = noStore
	setBody(h, typeJSON, len(body))
	return http.StatusOK, body
}

// Recorder holds the answer to an operation. It is an http.ResponseWriter.
type Recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// NewRecorder returns an empty recorder.
func NewRecorder() *Recorder { return &Recorder{header: make(http.Header)} }

// Header implements http.ResponseWriter.
func (rec *Recorder) Header() http.Header { return rec.header }

// WriteHeader implements http.ResponseWriter.
func (rec *Recorder) WriteHeader(status int) {
	if rec.status == 0 {
		rec.status = status
	}
}

func (rec *Recorder) Write(p []byte) (int, error) {
	rec.WriteHeader(http.StatusOK)
	return rec.body.Write(p)
}

// Wire returns the answer as it is sent over HTTP/1.1 at a time, on a connection that
// ends with it.
func (rec *Recorder) Wire(at time.Time) []byte {
	header := rec.header.Clone()
	header.Set("Date", at.UTC().Format(http.TimeFormat))
	answer := http.Response{
		StatusCode: rec.status, ProtoMajor: 1, ProtoMinor: 1, Header: header, Close: true,
		Body: io.NopCloser(bytes.NewReader(rec.body.Bytes())), ContentLength: int64(rec.body.Len()),
	}
	var text bytes.Buffer
	_ = answer.Write(&text) // a buffer takes everything
	return text.Bytes()
}

// Size returns how large the body is, in bytes.
func (rec *Recorder) Size() int { return rec.body.Len() }
