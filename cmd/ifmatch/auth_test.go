package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// makeKey has the program make a key.
func makeKey(t *testing.T, args ...string) (key, line string) {
	t.Helper()
	c := program(t, nil, append([]string{"key", "new"}, args...)...)
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`^key +(\S+)\nauth.keys +(- .+)\n$`).FindStringSubmatch(string(out))
	if found == nil {
		t.Fatalf("key new prints %s", out)
	}
	isEmpty(t, c.Dir)
	return found[1], found[2]
}

// as sends a request with an Authorization header, and returns status and body.
func (s *server) as(authorization, method, path string, header ...string) (int, string) {
	s.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader("{}"))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// TestKeys: keys of the file and of the environment let their holders in, under
// their names, and no key turns up in anything that the program writes.
func TestKeys(t *testing.T) {
	annKey, annLine := makeKey(t, "--name", "ann")
	bobKey, bobLine := makeKey(t, "--name=bob: b")
	strange, _ := makeKey(t)
	if annKey == bobKey || annKey == strange {
		t.Fatal("two keys are the same")
	}
	dir := t.TempDir()
	file := writeFile(t, filepath.Join(dir, "policy.yaml"), "listen: 127.0.0.1:0\nstore: sqlite:"+filepath.Join(dir, "docs.db")+"\naccess: true\nauth:\n  keys:\n    "+annLine+"\n")
	c := program(t, []string{"IFMATCH_KEYS=" + bobLine}, "serve", "--config", file)
	s := serve(t, c)
	answers := ""
	for _, step := range []struct {
		authorization, method, path string
		want                        int
	}{
		{"Bearer " + annKey, "PUT", "/v1/notes/1", http.StatusCreated},
		{"bearer  " + bobKey, "PUT", "/v1/notes/2", http.StatusCreated},
		{"", "PUT", "/v1/notes/3", http.StatusUnauthorized},
		{"Bearer " + strange, "PUT", "/v1/notes/3", http.StatusUnauthorized},
		{annKey, "PUT", "/v1/notes/3", http.StatusUnauthorized},
		{"Bearer " + annKey + " " + bobKey, "GET", "/v1/notes/1", http.StatusUnauthorized},
		{"Basic " + annKey, "GET", "/v1/notes/1", http.StatusUnauthorized},
		{"Bearer " + annKey, "GET", "/v1/notes/3", http.StatusNotFound},
		{"Bearer " + annKey, "GET", "/v1/notes/1", http.StatusOK},
	} {
		status, body := s.as(step.authorization, step.method, step.path)
		if status != step.want {
			t.Errorf("%s %s as %q: %d, want %d: %s", step.method, step.path, step.authorization, status, step.want, body)
		}
		answers += body
	}
	for path, by := range map[string]string{"/v1/notes/1": `"by":"ann"`, "/v1/notes/2": `"by":"bob: b"`} {
		if status, body := s.as("Bearer "+annKey, "GET", path+"/_history"); status != http.StatusOK || !strings.Contains(body, by) {
			t.Errorf("%s: %d %s, want %s", path, status, body, by)
		}
	}
	said := s.stop()
	hides(t, "the log", said, annKey, bobKey, strange)
	hides(t, "an answer", answers, annKey, bobKey, strange)
	hides(t, "the command line", strings.Join(c.Args, " "), annKey, bobKey, strange)
	printed, err := program(t, nil, "check", file).CombinedOutput()
	if err != nil {
		t.Errorf("check: %v: %s", err, printed)
	}
	hides(t, "what check prints", string(printed), annKey, bobKey, strange)
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		hides(t, f.Name(), string(content), annKey, bobKey, strange)
	}
}

func hides(t *testing.T, what, text string, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if strings.Contains(text, key) || strings.Contains(text, key[4:]) {
			t.Errorf("%s shows a key: %s", what, text)
		}
	}
}

// TestUpstream: the header of a trusted proxy is believed, and of nobody else.
func TestUpstream(t *testing.T) {
	for from, want := range map[string]int{"127.0.0.0/8": http.StatusCreated, "192.0.2.0/24": http.StatusUnauthorized} {
		file := writeFile(t, filepath.Join(t.TempDir(), "policy.yaml"),
			"listen: 127.0.0.1:0\nstore: 'memory:'\naccess: true\nauth: {mode: upstream, trusted: {header: x-remote-user, from: ["+from+"]}}\n")
		s := serve(t, program(t, nil, "serve", "--config", file))
		if got, body := s.as("", "PUT", "/v1/notes/1", "X-Remote-User", "ann", "X-Forwarded-For", "192.0.2.1", "Forwarded", "for=192.0.2.1"); got != want {
			t.Errorf("from %s: %d, want %d: %s", from, got, want, body)
		}
		s.stop()
	}
}

// TestBadKeys: what is wrong with keys stops the server, and is said without them.
func TestBadKeys(t *testing.T) {
	key, line := makeKey(t, "--name", "ann")
	dir := t.TempDir()
	file := writeFile(t, filepath.Join(dir, "keys.yaml"), "auth:\n  keys:\n    "+line+"\n")
	plain := writeFile(t, filepath.Join(dir, "plain.yaml"), "auth:\n  keys:\n    - {name: ann, sha256: "+key+"}\n")
	on := writeFile(t, filepath.Join(dir, "on.yaml"), "auth: {}\n")
	for name, tt := range map[string]struct {
		c    *exec.Cmd
		want string
	}{
		"a key in the variable": {program(t, []string{"IFMATCH_KEYS=" + key}, "serve"), "ifmatch: IFMATCH_KEYS:1:1: must be a list of blocks, each of them after a dash"},
		"a key in the file":     {program(t, nil, "serve", "--config", plain), "ifmatch: " + plain + ":3:27: auth.keys[0].sha256: must be a SHA-256 as 64 lower-case hex digits; "},
		"the same key twice":    {program(t, []string{"IFMATCH_KEYS=" + line}, "serve", "--config", file), "ifmatch: IFMATCH_KEYS:1:10: [0].name: is the name of the key in the policy file; "},
		"auth without keys":     {program(t, nil, "serve", "--config", on), "ifmatch: auth is on and there are no keys, "},
		"empty variable":        {program(t, []string{"IFMATCH_KEYS="}, "serve", "--config", on), "ifmatch: auth is on and there are no keys, "},
		"a bad name":            {program(t, nil, "key", "new", "--name", " ann"), "ifmatch: --name: must be printable text without spaces around it\n"},
	} {
		t.Run(name, func(t *testing.T) {
			said := fails(t, tt.c)
			if !strings.HasPrefix(said, tt.want) {
				t.Errorf("got  %swant %s", said, tt.want)
			}
			hides(t, "the error", said, key)
			isEmpty(t, tt.c.Dir)
		})
	}
}

// TestListensBeyondLoopback: nobody else can reach a server that asks nobody who
// they are, unless that is spelt out.
func TestListensBeyondLoopback(t *testing.T) {
	_, line := makeKey(t)
	keys := []string{"IFMATCH_KEYS=" + line}
	for _, address := range []string{":0", "0.0.0.0:0", "[::]:0", "[::ffff:0.0.0.0]:0", "192.0.2.1:0", "[2001:db8::1]:0", "[::%lo]:0"} {
		c := program(t, nil, "serve", "--listen", address)
		if said, want := fails(t, c), "ifmatch: --listen: "+address+" can be reached from other machines, "; !strings.HasPrefix(said, want) || !strings.Contains(said, "ifmatch key new") ||
			!strings.Contains(said, "127.0.0.1") || !strings.Contains(said, "--insecure") {
			t.Errorf("%s: %s", address, said)
		}
		isEmpty(t, c.Dir)
	}
	loopback := []string{"localhost:0", "127.0.0.1:0", "127.1.2.3:0", "[::ffff:127.0.0.1]:0"}
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Logf("NOT CHECKED: this machine has no ::1: %v", err)
	} else if loopback = append(loopback, l.Addr().String()); l.Close() != nil {
		t.Error("a listener does not close")
	}
	for _, address := range loopback {
		if said := serve(t, program(t, nil, "serve", "--store", "memory:", "--listen", address)).stop(); strings.Contains(said, "no authentication") {
			t.Errorf("%s: %s", address, said)
		}
	}
	for _, address := range []string{":0", "0.0.0.0:0"} {
		if said := serve(t, program(t, keys, "serve", "--store", "memory:", "--listen", address)).stop(); strings.Contains(said, "no authentication") {
			t.Errorf("%s with keys: %s", address, said)
		}
		if said := serve(t, program(t, nil, "serve", "--store", "memory:", "--listen", address, "--insecure")).stop(); !strings.Contains(said, "level=WARN") || !strings.Contains(said, "no authentication") {
			t.Errorf("%s with --insecure: %s", address, said)
		}
	}
	fails(t, program(t, []string{"IFMATCH_INSECURE=false"}, "serve", "--listen", ":0"))
}

// TestTryLine: the line to try holds the place of a key where one is needed.
func TestTryLine(t *testing.T) {
	_, line := makeKey(t)
	c := program(t, []string{"IFMATCH_KEYS=" + line}, "serve", "--store", "memory:", "--listen", "127.0.0.1:0")
	s := serve(t, c)
	try := s.announced("try ")
	s.stop()
	if !strings.Contains(try, "-H 'Authorization: Bearer KEY'") {
		t.Error(try)
	}
}
