package browser_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// build builds the program under test.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "ifmatch")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/ifmatch/ifmatch/cmd/ifmatch").CombinedOutput(); err != nil {
		t.Fatalf("building the server: %v\n%s", err, out)
	}
	return binary
}

// start serves an empty store on a port of the kernel's choice until the test
// ends, and returns its URL.
func start(t *testing.T, binary string, args ...string) (url string) {
	t.Helper()
	c := exec.Command(binary, append([]string{"serve", "--listen", "127.0.0.1:0", "--store", "memory:"}, args...)...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "IFMATCH_") {
			c.Env = append(c.Env, v)
		}
	}
	var stderr bytes.Buffer
	c.Stderr = &stderr
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
		_, err := io.Copy(io.Discard, stdout)
		if err := errors.Join(err, c.Wait()); err != nil {
			t.Errorf("the server ends with %v: %s", err, &stderr)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	url, ok := strings.CutPrefix(line, "listening on ")
	if err != nil || !ok {
		t.Fatalf("the server announces %q, %v", line, err)
	}
	return strings.TrimSpace(url)
}

// step is a request that a page's script makes.
type step struct {
	API         string            `json:"api"`
	Method      string            `json:"method"`
	Path        string            `json:"path"`
	Headers     map[string]string `json:"headers,omitempty"`
	Body        string            `json:"body,omitempty"`
	Mode        string            `json:"mode,omitempty"`
	Credentials string            `json:"credentials,omitempty"`
}

// result is what the script got to see of the answer.
type result struct {
	Status  int
	Type    string // "opaque" where nothing may be seen
	Headers map[string]string
	Body    string
	Error   string
}

// site is the server of pages. It is not the API's.
type site struct {
	*httptest.Server
	mux     *http.ServeMux
	results chan []result
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{mux: http.NewServeMux(), results: make(chan []result, 1)}
	s.mux.HandleFunc("POST /results", func(_ http.ResponseWriter, r *http.Request) {
		var got []result
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Errorf("the page's results: %v", err)
		}
		s.results <- got
	})
	s.mux.HandleFunc("GET /sandbox.html", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join("testdata", "sandbox.html"))
	})
	s.Server = httptest.NewServer(s.mux)
	t.Cleanup(s.Close)
	return s
}

// under returns the site's URL under another name of this machine.
func (s *site) under(name string) string { return strings.Replace(s.URL, "127.0.0.1", name, 1) }

// visit has a browser open a page that takes the steps, and returns what its
// script got to see.
func (s *site) visit(t *testing.T, chromium, url string, steps []step) []result {
	t.Helper()
	page, err := template.ParseFiles(filepath.Join("testdata", "page.html"))
	if err != nil {
		t.Fatal(err)
	}
	s.mux.HandleFunc("GET /page.html", func(w http.ResponseWriter, _ *http.Request) {
		if err := page.Execute(w, steps); err != nil {
			t.Error(err)
		}
	})
	open(t, chromium, url)
	select {
	case got := <-s.results:
		if len(got) != len(steps) {
			t.Fatalf("%d results of %d steps", len(got), len(steps))
		}
		return got
	case <-time.After(enough):
		t.Fatal("the page has reported nothing")
		return nil
	}
}
