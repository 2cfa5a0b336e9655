// Command constant answers every request from memory with the same kilobyte and
// the same entity tag. It shows what net/http can do at most on a machine: no
// server that really stores anything is faster.
package main

import (
	"flag"
	"io"
	"log"
	"net/http"
	"strconv"
	"strings"
)

const etag = `"1"`

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	flag.Parse()
	body := []byte(`{"text":"` + strings.Repeat("0123456789abcdef", 63) + `12345"}`)
	length := strconv.Itoa(len(body))
	handler := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", etag)
		switch r.Method {
		case http.MethodGet:
			if r.Header.Get("If-None-Match") == etag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
		case http.MethodPut:
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
		default:
			http.Error(w, "GET and PUT only", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", length)
		if _, err := w.Write(body); err != nil {
			log.Printf("write an answer: %v", err)
		}
	}
	log.Fatal(http.ListenAndServe(*listen, http.HandlerFunc(handler)))
}
