package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/problem"
)

func routes(s *notes) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /notes/{id}", s.get)
	mux.HandleFunc("PUT /notes/{id}", s.put)
	mux.HandleFunc("DELETE /notes/{id}", s.delete)
	return mux
}

func (s *notes) get(w http.ResponseWriter, r *http.Request) {
	n, err := s.load(r.Context(), r.PathValue("id"))
	if err != nil {
		failed(w, r, err)
		return
	}
	if res := ifmatch.Evaluate(r.Method, ifmatch.ParseConditions(r.Header), n.state(), ifmatch.Contract{}); !res.Fresh() {
		refuse(w, r, &n, res)
		return
	}
	answer(w, http.StatusOK, n)
}

func (s *notes) put(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		problem.Write(w, r, problem.New(problem.TooLarge, "A note has at most 1 MiB. Send less."))
		return
	}
	if err != nil || !json.Valid(body) {
		problem.Write(w, r, problem.New(problem.Malformed, "A note is JSON. Correct it and send it again."))
		return
	}
	s.write(w, r, body)
}

func (s *notes) delete(w http.ResponseWriter, r *http.Request) { s.write(w, r, nil) }

// write stores body, nil for a deletion, if the request's preconditions hold.
func (s *notes) write(w http.ResponseWriter, r *http.Request, body []byte) {
	id := r.PathValue("id")
	for {
		n, err := s.load(r.Context(), id)
		if err != nil {
			failed(w, r, err)
			return
		}
		// What protects the note, from here
		res := ifmatch.Evaluate(r.Method, ifmatch.ParseConditions(r.Header), n.state(), ifmatch.Contract{})
		if !res.Fresh() {
			refuse(w, r, &n, res)
			return
		}
		swapped, err := s.swap(r.Context(), id, n.version, body)
		if err == nil && !swapped {
			continue // somebody else was faster: judge again, on what is there now
		}
		// to here.
		if err != nil {
			unknown(w, r, err)
			return
		}
		status := http.StatusOK
		if !n.state().Exists {
			status = http.StatusCreated
		}
		answer(w, status, note{version: n.version + 1, body: body})
		return
	}
}

func answer(w http.ResponseWriter, status int, n note) {
	w.Header().Set("Cache-Control", "no-cache")
	if n.body == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("ETag", ifmatch.VersionTag(n.version).String())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(n.body) // an error means that the client is gone
}

// refuse answers with what the preconditions came to on n.
func refuse(w http.ResponseWriter, r *http.Request, n *note, res ifmatch.Result) {
	tag := n.state().ETag.String()
	if res.Verdict == ifmatch.NotModified {
		w.Header().Set("ETag", tag)
		w.WriteHeader(http.StatusNotModified)
		return
	}
	p := problem.FromResult(res)
	p.Resource, p.Action = r.URL.EscapedPath(), r.Method
	if res.Verdict == ifmatch.Failed || res.Verdict == ifmatch.Required {
		p.CurrentETag = tag
	}
	problem.Write(w, r, p)
}

// failed answers where nothing was written.
func failed(w http.ResponseWriter, r *http.Request, err error) {
	log.Printf("%s %s: %v", r.Method, r.URL.EscapedPath(), err)
	problem.Write(w, r, problem.New(problem.Internal, ""))
}

// unknown answers where the database failed in the middle of a write.
func unknown(w http.ResponseWriter, r *http.Request, err error) {
	log.Printf("%s %s: %v", r.Method, r.URL.EscapedPath(), err)
	problem.Write(w, r, problem.New(problem.OutcomeUnknown, "Read the note and compare before you write again."))
}
