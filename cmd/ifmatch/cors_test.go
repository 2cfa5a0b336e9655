package main

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// page is an origin of pages elsewhere.
const page = "https://app.example.com"

// allowsPages sees that pages of one origin may write, and of no other.
func allowsPages(t *testing.T, c *exec.Cmd) {
	s := serve(t, c)
	defer s.stop()
	s.writes(page, http.StatusCreated)
	s.writes("https://other.example.com", http.StatusForbidden)
}

// writes sends a new document as a page of origin does, and returns the answer's
// header.
func (s *server) writes(origin string, want int) http.Header {
	s.Helper()
	r, err := http.NewRequest(http.MethodPost, s.url+"/v1/notes", strings.NewReader("{}"))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", origin)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != want {
		s.Errorf("a page of %s: %s, %v, want %d", origin, answer.Status, err, want)
	}
	return answer.Header
}

// TestSeveralOrigins: the flag may be repeated, its variable holds a list, and
// both replace what the file says.
func TestSeveralOrigins(t *testing.T) {
	const other = "http://localhost:3000"
	file := writeFile(t, filepath.Join(t.TempDir(), "policy.yaml"), "listen: 127.0.0.1:0\nstore: 'memory:'\ncors: {origins: ['https://filed.example.com']}\n")
	for name, tt := range map[string]struct {
		env, args []string
		allowed   []string
	}{
		"file":     {nil, nil, []string{"https://filed.example.com"}},
		"flags":    {nil, []string{"--cors", page, "--cors", other}, []string{page, other}},
		"variable": {[]string{"IFMATCH_CORS=" + page + "," + other}, nil, []string{page, other}},
		"all":      {nil, []string{"--cors", "*"}, []string{page, other, "https://filed.example.com", "null"}},
		"none":     {[]string{"IFMATCH_CORS="}, nil, []string{"https://filed.example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, program(t, tt.env, append([]string{"serve", "--config", file}, tt.args...)...))
			defer s.stop()
			allowed := map[string]bool{}
			for _, origin := range tt.allowed {
				allowed[origin] = true
			}
			for _, origin := range []string{page, other, "https://filed.example.com", "null"} {
				if allowed[origin] {
					s.writes(origin, http.StatusCreated)
				} else {
					s.writes(origin, http.StatusForbidden)
				}
			}
		})
	}
}

// TestLoggedLinesAllow: what the log proposes for a refused origin does let it in,
// as a line of the policy file and as a flag.
func TestLoggedLinesAllow(t *testing.T) {
	const origin = "http://localhost:3000"
	base := []string{"serve", "--listen", "127.0.0.1:0", "--store", "memory:"}
	s := serve(t, program(t, nil, base...))
	s.writes(origin, http.StatusForbidden)
	s.writes(origin, http.StatusForbidden)
	said := s.stop()
	if strings.Count(said, origin+" ") != 1 {
		t.Errorf("it is not logged once: %s", said)
	}
	field := func(name string) string {
		quoted := regexp.MustCompile(name + `=("(?:[^"\\]|\\.)*")`).FindStringSubmatch(said)
		if quoted == nil {
			t.Fatalf("no %s in: %s", name, said)
		}
		value, err := strconv.Unquote(quoted[1])
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	file := writeFile(t, filepath.Join(t.TempDir(), "policy.yaml"), field("file")+"\n")
	for _, more := range [][]string{{"--config", file}, strings.Fields(field("flag"))} {
		s := serve(t, program(t, nil, append(base, more...)...))
		s.writes(origin, http.StatusCreated)
		s.writes(page, http.StatusForbidden)
		s.stop()
	}
}

// TestHostOnLoopback: a name that somebody else's name server made lead here is
// answered by no server that listens to its own machine; one that listens to
// others has names that it does not know.
func TestHostOnLoopback(t *testing.T) {
	for listen, want := range map[string]int{"127.0.0.1:0": http.StatusForbidden, "localhost:0": http.StatusForbidden, "0.0.0.0:0": http.StatusOK} {
		s := serve(t, program(t, []string{"IFMATCH_INSECURE=true"}, "serve", "--listen", listen, "--store", "memory:"))
		_, port, _ := strings.Cut(strings.TrimPrefix(s.url, "http://"), ":")
		if i := strings.LastIndexByte(port, ':'); i >= 0 { // of an IPv6 address
			port = port[i+1:]
		}
		r, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:"+port+"/v1/notes", nil)
		if err != nil {
			t.Fatal(err)
		}
		for host, want := range map[string]int{"rebound.example": want, "localhost": http.StatusOK, r.Host: http.StatusOK} {
			r.Host = host
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := answer.Body.Close(); err != nil || answer.StatusCode != want {
				t.Errorf("listening on %s: Host: %s gets %s, %v, want %d", listen, host, answer.Status, err, want)
			}
		}
		s.stop()
	}
}
