package load

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// versions is a server of documents that counts their versions and takes a write
// only with the current one, in If-Match or in the content.
type versions struct {
	sync.Mutex
	of     map[string]int
	inBody int // writes whose content named the version
	key    string
}

func (v *versions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.Lock()
	defer v.Unlock()
	current, status := v.of[r.URL.Path], 200
	tag := fmt.Sprintf(`"%d"`, current)
	switch {
	case r.Header.Get("Authorization") != v.key:
		status = 401
	case r.Method == "GET" && r.Header.Get("If-None-Match") == tag:
		status = 304
	case r.Method == "PUT":
		var document struct {
			Revision int
			Version  int
		}
		err := json.NewDecoder(r.Body).Decode(&document)
		created := current == 0 && r.Header.Get("If-None-Match") == "*"
		if document.Version != 0 {
			v.inBody++
		}
		if err != nil || document.Revision < firstStamp || !created && r.Header.Get("If-Match") != tag && document.Version != current {
			status = 412
			break
		}
		if created {
			status = 201
		}
		v.of[r.URL.Path]++
		tag = fmt.Sprintf(`"%d"`, current+1)
	}
	w.Header().Set("ETag", tag)
	w.WriteHeader(status)
}

// TestRun drives every kind, in an order in which each needs the tags that those
// before it have seen.
func TestRun(t *testing.T) {
	v := &versions{of: map[string]int{}, key: "Bearer x"}
	server := httptest.NewServer(v)
	defer server.Close()
	corpus := NewCorpus(10)
	plan := Plan{Addr: strings.TrimPrefix(server.URL, "http://"), Clients: 3, Corpus: corpus, Duration: 20 * time.Millisecond, Header: "Authorization: Bearer x\r\n"}
	for _, kind := range []Kind{Create, Replace, ReplaceInBody, Replace, ReplaceInBody, Read, Unchanged} {
		plan.Kind = kind
		if _, err := Run(t.Context(), plan); err != nil {
			t.Fatalf("kind %d: %v", kind, err)
		}
	}
	if len(v.of) != corpus.Len() || v.inBody == 0 {
		t.Errorf("%d documents, %d versions in bodies", len(v.of), v.inBody)
	}
	plan.Kind = ReplaceInBody
	for path := range v.of {
		v.of[path]++ // by somebody else
	}
	if _, err := Run(t.Context(), plan); err == nil || !strings.Contains(err.Error(), "status 412") {
		t.Errorf("refused writes: %v", err)
	}
	plan.Kind, plan.Header = Read, ""
	if _, err := Run(t.Context(), plan); err == nil || !strings.Contains(err.Error(), "status 401") {
		t.Errorf("without the header: %v", err)
	}
}
