package protocol_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"github.com/ifmatch/ifmatch/internal/httpapi"
)

// withPrism has every answer that a test gets looked at by Prism, a proxy that is not
// ours, which holds it against the description that the server gives of itself.
var withPrism = flag.Bool("prism", false, "have a validating proxy between the tests and the servers")

// uncarried are the tests whose requests or answers a proxy cannot pass on, with why.
// They talk to the server itself.
var uncarried = map[string]string{
	"TestHalfClosedClient":     "a client that closes its side while it waits is gone to a proxy",
	"TestStoreFailuresOfReads": "it has a store answer reads with what no store answers them with",
}

// carried tells of requests that the proxy can read: of methods that there are, with
// targets in ASCII. Others go to the server itself.
func carried(method, path string) bool {
	return slices.Contains([]string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "POST", "OPTIONS", "TRACE"}, method) &&
		!strings.ContainsFunc(path, func(r rune) bool { return r > unicode.MaxASCII })
}

// serve has a's requests go to an API, through Prism where that is asked for.
func (a *api) serve(c httpapi.Config) {
	a.t.Helper()
	server := httptest.NewUnstartedServer(httpapi.New(c))
	server.Config.DisableGeneralOptionsHandler = true // OPTIONS * is the API's to answer
	server.Start()
	a.t.Cleanup(server.Close)
	a.url, a.direct = server.URL, server.URL
	root, _, _ := strings.Cut(a.t.Name(), "/")
	if *withPrism && uncarried[root] == "" {
		a.url = startPrism(a.t).between(a.t, string(c.OpenAPI().JSON()), server.URL)
	}
}

// prism is the process that validates. It serves all tests, and ends with them: it
// reads its input, which ends then.
type prism struct {
	control string
	input   io.Closer // which nobody writes to; the process ends when it does
	checked atomic.Int64
}

var prismStarted = sync.OnceValues(newPrism)

func startPrism(t *testing.T) *prism {
	t.Helper()
	p, err := prismStarted()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// prismMissing says why there is no Prism here.
type prismMissing struct{ what string }

func (m *prismMissing) Error() string { return m.what }

func newPrism() (*prism, error) {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, &prismMissing{program + " is not installed, so no answer was held against its description"}
		}
	}
	dir, err := prismFolder()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		return nil, &prismMissing{fmt.Sprintf("Prism could not be fetched: %v: %s", err, out)}
	}
	process := exec.Command("node", "main.mjs")
	process.Dir, process.Stderr = dir, os.Stderr
	input, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	port, err := bufio.NewReader(out).ReadString('\n')
	return &prism{control: "http://127.0.0.1:" + strings.TrimSpace(port), input: input}, err
}

// prismFolder is a copy of the folder prism, to install into.
func prismFolder() (string, error) {
	dir, err := os.MkdirTemp("", "prism-")
	if err != nil {
		return "", err
	}
	prismDir = dir
	return dir, os.CopyFS(dir, os.DirFS("prism"))
}

// prismDir is the folder that TestMain removes, "" for none.
var prismDir string

func TestMain(m *testing.M) {
	flag.Parse()
	code := run(m)
	if prismDir != "" {
		if err := os.RemoveAll(prismDir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	os.Exit(code)
}

// run runs the tests, none of them where Prism is asked for and cannot be had.
func run(m *testing.M) int {
	if !*withPrism {
		return m.Run()
	}
	p, err := prismStarted()
	if missing, ok := errors.AsType[*prismMissing](err); ok {
		fmt.Println("SKIPPED, NOT CHECKED: " + missing.what)
		return 0
	}
	code := m.Run()
	if err == nil {
		fmt.Printf("Prism has looked at %d answers\n", p.checked.Load())
	}
	return code
}

// between puts Prism between a test and a server, and returns the URL of it. What is
// wrong with any answer fails the test at its end.
func (p *prism) between(t *testing.T, document, upstream string) string {
	t.Helper()
	url := p.open(t, document, upstream)
	t.Cleanup(func() {
		for _, v := range p.judge(t, url) {
			t.Errorf("the description of the API does not have this: %s", v)
		}
	})
	return url
}

func (p *prism) open(t *testing.T, document, upstream string) string {
	t.Helper()
	var opened struct{ URL string }
	p.tell(t, "/open", map[string]string{"document": document, "upstream": upstream}, &opened)
	return opened.URL
}

// lint fails the test where a description is not as it should be.
func (p *prism) lint(t *testing.T, document string) {
	t.Helper()
	var linted struct{ Faults []string }
	p.tell(t, "/lint", map[string]string{"document": document}, &linted)
	for _, fault := range linted.Faults {
		t.Error(fault)
	}
}

// judge ends what open began, and returns what was wrong, each once.
func (p *prism) judge(t *testing.T, url string) []string {
	t.Helper()
	var judged struct {
		Checked    int
		Violations []string
	}
	p.tell(t, "/close", map[string]string{"url": url}, &judged)
	p.checked.Add(int64(judged.Checked))
	slices.Sort(judged.Violations)
	return slices.Compact(judged.Violations)
}

func (p *prism) tell(t *testing.T, command string, what, answer any) {
	t.Helper()
	body, err := json.Marshal(what)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(p.control+command, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	told, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode == http.StatusOK {
		err = json.Unmarshal(told, answer)
	}
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("Prism: %v: %s", err, told)
	}
}

// TestUncarriedTests: what is said of a test is said of one that is there.
func TestUncarriedTests(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for name, reason := range uncarried {
		if reason == "" || !strings.Contains(all.String(), "\nfunc "+name+"(t *testing.T) {") {
			t.Errorf("there is no test %s", name)
		}
	}
}
