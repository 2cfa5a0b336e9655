// Command handwritten is the yardstick for durable writes: a JSON resource over
// net/http with If-Match, 304 and a history row a write, in SQLite, PostgreSQL or
// etcd, as an engineer who knows all of them would write it for one service.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log"
	"net/http"
	"strconv"
	"strings"
)

// maxBody is far above the documents of the benchmark.
const maxBody = 1 << 20

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	dsn := flag.String("store", "sqlite:handwritten.db", "sqlite:PATH, postgres://… or etcd://HOST:PORT/PREFIX")
	flag.Parse()
	s, err := open(*dsn)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/docs/{id}", func(w http.ResponseWriter, r *http.Request) { get(s, w, r) })
	mux.HandleFunc("PUT /v1/docs/{id}", func(w http.ResponseWriter, r *http.Request) { put(s, w, r) })
	log.Fatal(http.ListenAndServe(*listen, mux))
}

// store keeps documents, each with a version that counts its writes. What is not in the
// state that a write expects is errStale, what is not there errAbsent.
type store interface {
	read(ctx context.Context, id string) (version int64, body []byte, err error)
	create(ctx context.Context, id string, body []byte) error
	replace(ctx context.Context, id string, version int64, body []byte) error
}

var (
	errStale  = errors.New("stale")
	errAbsent = errors.New("absent")
)

func open(dsn string) (store, error) {
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		return openSQLite(path)
	}
	if etcd, ok := strings.CutPrefix(dsn, "etcd://"); ok {
		return openEtcd(etcd)
	}
	return openPostgres(dsn)
}

func get(s store, w http.ResponseWriter, r *http.Request) {
	version, body, err := s.read(r.Context(), r.PathValue("id"))
	if errors.Is(err, errAbsent) {
		http.Error(w, "no such document", http.StatusNotFound)
		return
	}
	if err != nil {
		fail(w, err)
		return
	}
	tag := etag(version)
	if r.Header.Get("If-None-Match") == tag {
		w.Header().Set("ETag", tag)
		w.WriteHeader(http.StatusNotModified)
		return
	}
	answer(w, http.StatusOK, tag, body)
}

func put(s store, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !json.Valid(body) {
		http.Error(w, "the body is not JSON", http.StatusBadRequest)
		return
	}
	id := r.PathValue("id")
	if r.Header.Get("If-None-Match") == "*" {
		err = s.create(r.Context(), id, body)
		if errors.Is(err, errStale) {
			http.Error(w, "exists", http.StatusPreconditionFailed)
			return
		}
		if err != nil {
			fail(w, err)
			return
		}
		answer(w, http.StatusCreated, etag(1), body)
		return
	}
	expected, ok := version(r.Header.Get("If-Match"))
	if !ok {
		http.Error(w, "If-Match with one tag is required", http.StatusPreconditionRequired)
		return
	}
	err = s.replace(r.Context(), id, expected, body)
	if errors.Is(err, errStale) {
		http.Error(w, "the document changed since you read it", http.StatusPreconditionFailed)
		return
	}
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, etag(expected+1), body)
}

func answer(w http.ResponseWriter, status int, tag string, body []byte) {
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		log.Printf("write an answer: %v", err)
	}
}

func fail(w http.ResponseWriter, err error) {
	log.Printf("store: %v", err)
	http.Error(w, "the store failed", http.StatusInternalServerError)
}

func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

func version(tag string) (int64, bool) {
	digits, opened := strings.CutPrefix(tag, `"`)
	digits, closed := strings.CutSuffix(digits, `"`)
	if !opened || !closed {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil
}
