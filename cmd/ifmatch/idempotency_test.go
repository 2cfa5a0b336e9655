package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestKeepsAnswers: a POST under one key makes one document for as long as the
// policy says, a day by default.
func TestKeepsAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		line     string
		replayed bool
	}{
		"a day":            {"", true},
		"hardly at all":    {"idempotency: {keep: 1ns}\n", false},
		"as long as it is": {"idempotency: {keep: 30d}\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			file := writeFile(t, filepath.Join(t.TempDir(), "policy.yaml"), "listen: 127.0.0.1:0\nstore: 'memory:'\n"+tt.line)
			s := serve(t, program(t, nil, "serve", "--config", file))
			defer s.stop()
			var locations []string
			for range 2 {
				locations = append(locations, s.creates("8e03978e-40d5-43e8-bc93-6894a57f9324"))
			}
			if same := locations[0] == locations[1]; same != tt.replayed || locations[0] == "" {
				t.Errorf("the documents are %q", locations)
			}
		})
	}
}

// TestDemandsKeys: a collection whose contract demands keys takes no write without one.
func TestDemandsKeys(t *testing.T) {
	for word, want := range map[string]int{"required": http.StatusBadRequest, "optional": http.StatusCreated} {
		file := writeFile(t, filepath.Join(t.TempDir(), "policy.yaml"), "listen: 127.0.0.1:0\nstore: 'memory:'\ndefault: {contract: {idempotency_key: "+word+"}}\n")
		s := serve(t, program(t, nil, "serve", "--config", file))
		answer, err := http.Post(s.url+"/v1/notes", "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil || answer.StatusCode != want {
			t.Errorf("%s: a POST without a key: %s, %v; want %d", word, answer.Status, err, want)
		}
		s.creates("8e03978e-40d5-43e8-bc93-6894a57f9324")
		if try := s.announced("try "); strings.Contains(try, "-H 'Idempotency-Key: ") != (word == "required") {
			t.Errorf("%s: the line to try is %s", word, try)
		}
		s.stop()
	}
}

// creates sends a new document under a key, and returns its Location.
func (s *server) creates(key string) string {
	s.Helper()
	r, err := http.NewRequest(http.MethodPost, s.url+"/v1/notes", strings.NewReader("{}"))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", key)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusCreated {
		s.Errorf("POST under a key: %s, %v", answer.Status, err)
	}
	return answer.Header.Get("Location")
}
