package httpapi

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/problem"
)

// batchPath is where several operations are carried out by one request.
const batchPath = "/_batch"

func (s *Server) batch(w http.ResponseWriter, r *http.Request) {
	s.serveMethod(w, r, methods{http.MethodPost: s.postBatch})
}

// postBatch carries out the operations of a batch. What is wrong with its form is
// refused before anything is done, whether it is atomic or not.
func (s *Server) postBatch(w http.ResponseWriter, r *http.Request) {
	b := s.door.OpenBatch(w, r, batchPath)
	if b == nil {
		s.spend(r)
		return
	}
	parsed, bad := s.parseBatch(b.Body)
	if !s.take(w, r, batchPath, max(len(parsed.operations), 1)) {
		return
	}
	if bad != nil {
		s.door.Malformed(w, b, bad.index, bad.detail)
		return
	}
	members := make([]member, len(parsed.operations))
	for i := range parsed.operations {
		if members[i], bad = s.member(r, b, &parsed.operations[i], i); bad != nil {
			s.door.Malformed(w, b, i, bad.detail)
			return
		}
	}
	if parsed.atomic {
		s.together(w, b, members)
		return
	}
	s.apart(w, b, members)
}

// member is an operation as the request that it stands for.
type member struct {
	request *http.Request
	path    string
	to      route
	known   bool // that the path has
}

// member makes the request of an operation: that of the batch, but for what the
// operation says. It is authenticated as the batch is.
func (s *Server) member(r *http.Request, b *door.Batch, op *operation, index int) (member, *formError) {
	inner := door.InBatch(r)
	inner.Method, inner.URL, inner.RequestURI = op.method, op.url, op.url.RequestURI()
	if b.Dry {
		op.url.RawQuery = joinQuery(op.url.RawQuery, "dryRun=true")
	}
	inner.Header = op.header
	inner.Header["X-Request-Id"] = []string{b.Correlation()}
	if client := r.Header["Ifmatch-Client"]; client != nil {
		inner.Header["Ifmatch-Client"] = client
	}
	if s.auth != nil {
		for _, name := range s.auth.headers() {
			if lines := r.Header[name]; lines != nil {
				inner.Header[name] = lines
			}
		}
	}
	inner.Body, inner.ContentLength = http.NoBody, int64(len(op.body))
	if op.body != nil {
		inner.Body = io.NopCloser(bytes.NewReader(op.body))
	}
	m := member{request: inner, path: op.url.EscapedPath()}
	m.to, m.known = s.router.match(m.path)
	if m.known && !s.resources[m.to.kind].batched || m.path == batchPath {
		return m, &formError{index, opName(index) + " is of " + strconv.Quote(m.path) + ", which is not written in batches. They are for documents, for creations in collections, and for contributions. Nothing was done."}
	}
	return m, nil
}

func joinQuery(query, more string) string {
	if query == "" {
		return more
	}
	return query + "&" + more
}

// together carries members out as one.
func (s *Server) together(w http.ResponseWriter, b *door.Batch, members []member) {
	ops := make([]*door.Operation, len(members))
	for i := range members {
		rec := door.NewRecorder()
		op, ok := s.operation(rec, &members[i], i)
		if !ok {
			rec.Fail(w)
			return
		}
		ops[i] = op
	}
	s.door.ServeTogether(w, b, ops)
}

// operation decodes a member of an atomic batch. It answers one that has no chance.
func (s *Server) operation(rec *door.Recorder, m *member, index int) (*door.Operation, bool) {
	r := door.Failing(m.request, index)
	if !m.known {
		s.notFound(rec, r, m.path)
		return nil, false
	}
	res := s.resources[m.to.kind]
	if can := res.operations(); !slices.Contains(can, r.Method) {
		s.door.MethodNotAllowed(rec, r, can)
		return nil, false
	}
	return s.door.Operation(rec, r, res.target(s.target(r, m.path, m.to), &m.to), res.operation, m.to.id)
}

// maxResults is how many times the body limit the results of a batch come to, from which
// on nothing more of it is carried out.
const maxResults = 32

// apart carries members out one after the other, each as a request of its own.
func (s *Server) apart(w http.ResponseWriter, b *door.Batch, members []member) {
	done := s.door.Spend(w, b)
	if done == nil {
		return
	}
	defer done()
	results := make([]*door.Recorder, len(members))
	var size int64
	most := s.door.Engine.Limits().Body * maxResults
	for i := range members {
		m := &members[i]
		results[i] = door.NewRecorder()
		if size > most {
			s.door.Problem(results[i], m.request, &problem.Document{Code: problem.TooLarge, Resource: m.path, Action: m.request.Method,
				Detail: "The results of the operations before this one come to more than " + strconv.FormatInt(most, 10) + " bytes. It was not carried out. Send it in another batch, or ask for return=minimal in Prefer."})
			continue
		}
		if key := b.KeyOf(i); key != "" {
			m.request.Header["Idempotency-Key"] = []string{key}
		}
		s.alone(results[i], m)
		size += int64(results[i].Size())
	}
	s.door.SendResults(w, b, results)
}

// alone carries one member out. Where that panics, the others are not concerned.
func (s *Server) alone(rec *door.Recorder, m *member) {
	defer func() {
		if v := recover(); v != nil {
			s.door.Panicked(rec, m.request, v)
		}
	}()
	if !m.known {
		s.notFound(rec, m.request, m.path)
		return
	}
	s.serve(rec, m.request, m.path, m.to)
}
