package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// flagCase says how one flag of one command is seen to work.
type flagCase struct {
	command, flag string
	// others are the arguments that a run needs beside it.
	others []string
	// good is a value, and obeyed checks that a run went by it.
	good   string
	obeyed func(t *testing.T, c *exec.Cmd)
	// refused are values that no run may begin with, each with how what is said of
	// it begins.
	refused map[string]string
}

func flagCases(t *testing.T) []flagCase {
	dir := t.TempDir()
	written := writeFile(t, filepath.Join(dir, "policy.yaml"), "listen: 127.0.0.1:0\nstore: 'memory:'\ncollections: [{name: notes}]\n")
	stored := filepath.Join(dir, "docs.db")
	serve(t, program(t, nil, "serve", "--listen", "127.0.0.1:0", "--store", "sqlite:"+stored)).stop()
	i := issue(t, dir)
	encrypts := func(t *testing.T, c *exec.Cmd) {
		s := serve(t, c)
		defer s.stop()
		servesTLS(i)(t, s.url, s.announced("try "))
	}
	listen, store := []string{"--listen", "127.0.0.1:0"}, []string{"--store", "memory:"}
	const noFile = "sqlite:/nowhere/docs.db"
	signedOnly, ring := writeFile(t, filepath.Join(dir, "signed.yaml"), "default: {contract: {token: signed}}\n"), stored+".key"
	noRing := map[string]string{
		"/nowhere/ring": "there is no key ring: open /nowhere/ring: no such file or directory; restore it from a copy, ",
		written:         "the key ring " + written + " cannot be used: line 1 does not begin with a key in hex; ",
	}
	missing := map[string]string{
		"docs.db":                 "a store begins with its kind and a colon; valid are memory:, sqlite:PATH, postgres://HOST/DATABASE and etcd://HOST,…/PREFIX",
		"postgres:me:secret@host": "postgres: needs a host and a database; valid are memory:, sqlite:PATH, postgres://HOST/DATABASE and etcd://HOST,…/PREFIX",
		"memory:":                 "a store in memory ends with its process; name a file, as in sqlite:PATH",
		noFile:                    "stat /nowhere/docs.db: no such file or directory",
	}
	copied := filepath.Join(t.TempDir(), "copied.db")
	says(t, "backup", "--store", "sqlite:"+stored, copied)
	return []flagCase{
		{"serve", "listen", store, "127.0.0.1:0", listensElsewhere, map[string]string{
			"localhost":   `"localhost" is not an address; write host:port, as in 127.0.0.1:8080`,
			"127.0.0.1:x": `the port is a number from 0 to 65535, not "x"; write host:port, as in 127.0.0.1:8080`,
			"192.0.2.1:1": "192.0.2.1:1 can be reached from other machines, ",
		}},
		{"serve", "insecure", append(store, "--listen", "0.0.0.0:0"), "true", listensElsewhere, map[string]string{
			"maybe": `must be true or false, not "maybe"`,
		}},
		{"serve", "store", listen, "memory:", func(t *testing.T, c *exec.Cmd) {
			if s := serve(t, c); s.store != "memory:" || s.stop() == "" {
				t.Errorf("the server announces the store %s", s.store)
			}
		}, map[string]string{
			"memory":                  "a store begins with its kind and a colon; valid are memory:, sqlite:PATH, postgres://HOST/DATABASE and etcd://HOST,…/PREFIX",
			"postgres:me:secret@host": "postgres: needs a host and a database; valid are memory:, sqlite:PATH, postgres://HOST/DATABASE and etcd://HOST,…/PREFIX",
			noFile:                    "lstat /nowhere: no such file or directory",
		}},
		{"serve", "config", nil, written, servesNotesOnly, map[string]string{
			"/nowhere/policy.yaml": "cannot read the policy file: open /nowhere/policy.yaml: no such file or directory",
		}},
		{"serve", "cors", append(listen, store...), page, allowsPages, map[string]string{
			page + "/":        `"` + page + `/" would never match what browsers send; write ` + page,
			"app.example.com": `"app.example.com" is not an origin; write scheme://host or scheme://host:port, as in https://app.example.com`,
			"null":            "null is no origin: every page can have it, ",
			page + ",*":       `"*" stands for every origin; leave the others out, or leave it out`,
		}},
		{"serve", "tls-cert", slices.Concat(listen, store, []string{"--tls-key", i.key}), i.cert, encrypts, map[string]string{
			"/nowhere/cert.pem": "cannot read the certificate: open /nowhere/cert.pem: no such file or directory",
			i.key:               i.key + " holds a private key; name the file with the certificate here, and keep the key in a file of its own",
		}},
		{"serve", "tls-key", slices.Concat(listen, store, []string{"--tls-cert", i.cert}), i.key, encrypts, map[string]string{
			"/nowhere/key.pem": "cannot read the certificate's key: open /nowhere/key.pem: no such file or directory",
			i.cert:             i.cert + " holds a certificate and no private key; the files may be the wrong way round",
		}},
		{"serve", "keyring", slices.Concat(listen, store, []string{"--config", signedOnly}), ring, signsWith(ring), noRing},
		{"verify", "keyring", []string{"--store", "sqlite:" + stored}, ring, allAgree, noRing},
		{"migrate", "store", nil, "sqlite:" + stored, succeeds, missing},
		{"backup", "store", []string{"copy.db"}, "sqlite:" + stored, succeeds, missing},
		{"restore", "store", nil, "sqlite:" + stored, succeeds, missing},
		{"restore", "keyring", []string{"--store", "sqlite:restored.db", copied}, ring, succeeds, noRing},
		{"verify", "store", nil, "sqlite:" + stored, allAgree, missing},
	}
}

// succeeds sees a run that ends well.
func succeeds(t *testing.T, c *exec.Cmd) {
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// byHand are the flags that no variable may set: what they do is for a person to say
// each time.
var byHand = []string{"restore replace", "restore margin"}

// allAgree sees a store that was verified.
func allAgree(t *testing.T, c *exec.Cmd) {
	if out, err := c.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), ": all agree\n") {
		t.Errorf("%v: %s", err, out)
	}
}

// listensElsewhere sees a port of the kernel's choice, not the default.
func listensElsewhere(t *testing.T, c *exec.Cmd) {
	s := serve(t, c)
	defer s.stop()
	if strings.HasSuffix(s.url, ":8080") || strings.HasSuffix(s.url, ":0") {
		t.Errorf("the server listens on %s", s.url)
	}
	status(t, s.url+"/healthz", http.StatusOK)
}

// servesNotesOnly sees the collections of a policy file.
func servesNotesOnly(t *testing.T, c *exec.Cmd) {
	s := serve(t, c)
	defer s.stop()
	status(t, s.url+"/v1/notes", http.StatusOK)
	status(t, s.url+"/v1/others", http.StatusNotFound)
}

func status(t *testing.T, url string, want int) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Body.Close(); err != nil || r.StatusCode != want {
		t.Errorf("GET %s: %s, %v, want %d", url, r.Status, err, want)
	}
}

// TestFlags runs each flag of each command by itself and by its variable, and
// sees that the flag wins, that an empty variable is none, and that a bad value
// is refused by the name of what brought it, without anything that it may hold.
func TestFlags(t *testing.T) {
	cases := flagCases(t)
	everyFlagHasACase(t, cases)
	for _, tt := range cases {
		variable, args := variableOf(tt.flag), append([]string{tt.command}, tt.others...)
		flag := func(value string) []string { return append(args[:len(args):len(args)], "--"+tt.flag+"="+value) }
		t.Run(tt.command+" "+tt.flag, func(t *testing.T) {
			t.Run("flag", func(t *testing.T) { tt.obeyed(t, program(t, nil, flag(tt.good)...)) })
			t.Run("variable", func(t *testing.T) { tt.obeyed(t, program(t, []string{variable + "=" + tt.good}, args...)) })
			for bad, said := range tt.refused {
				t.Run(bad, func(t *testing.T) {
					tt.obeyed(t, program(t, []string{variable + "=" + bad}, flag(tt.good)...))
					tt.obeyed(t, program(t, []string{variable + "="}, flag(tt.good)...))
					for source, c := range map[string]*exec.Cmd{
						"--" + tt.flag: program(t, []string{variable + "=" + tt.good}, flag(bad)...),
						variable:       program(t, []string{variable + "=" + bad}, args...),
					} {
						got, want := fails(t, c), "ifmatch: "+source+": "+said
						if !strings.HasPrefix(got, want) || strings.Count(got, "\n") != 1 || strings.Contains(got, "secret") {
							t.Errorf("got  %swant %s", got, want)
						}
						isEmpty(t, c.Dir)
					}
				})
			}
		})
	}
}

// variableOf names the environment variable of a flag.
func variableOf(flag string) string {
	return "IFMATCH_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// everyFlagHasACase holds the table, and the names of variables, against the
// commands as they are.
func everyFlagHasACase(t *testing.T, cases []flagCase) {
	t.Helper()
	k, err := kong.New(new(cli))
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, tt := range cases {
		known[tt.command+" "+tt.flag] = true
	}
	for _, command := range k.Model.Children {
		if !slices.ContainsFunc(command.Flags, func(f *kong.Flag) bool { return f.Name == "store" }) {
			continue // it neither serves nor looks after what is served: it is run by hand, by flags alone
		}
		for _, flag := range command.Flags {
			if slices.Contains(byHand, command.Name+" "+flag.Name) {
				continue
			}
			if !known[command.Name+" "+flag.Name] {
				t.Errorf("%s --%s has no case", command.Name, flag.Name)
			}
			if want := variableOf(flag.Name); len(flag.Envs) != 1 || flag.Envs[0] != want {
				t.Errorf("%s --%s is set by %v, want %s", command.Name, flag.Name, flag.Envs, want)
			}
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// isEmpty checks that a refused run has left nothing where it ran.
func isEmpty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the refused run has left %v, %v", left, err)
	}
}

// TestEmptyVariables: a variable without a value is as one that is not set.
func TestEmptyVariables(t *testing.T) {
	empty := []string{"IFMATCH_LISTEN=", "IFMATCH_STORE=", "IFMATCH_CONFIG=", "IFMATCH_CORS=", "IFMATCH_TLS_CERT=", "IFMATCH_TLS_KEY="}
	c := program(t, empty, "serve", "--listen", "127.0.0.1:0")
	s := serve(t, c)
	status(t, s.url+"/v1/any", http.StatusOK)
	if s.stop(); s.store != "sqlite:ifmatch.db" {
		t.Errorf("the store is %s", s.store)
	}
	again := program(t, empty, "verify")
	again.Dir = c.Dir
	if out, err := again.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// TestFlagsBeatThePolicyFile: what is given when it is started wins, and only
// what is said there.
func TestFlagsBeatThePolicyFile(t *testing.T) {
	file := writeFile(t, filepath.Join(t.TempDir(), "policy.yaml"),
		"listen: 192.0.2.1:1\nstore: sqlite:/nowhere/docs.db\nlimits: {url: 1KiB, header: 8KiB}\n")
	s := serve(t, program(t, []string{"IFMATCH_CONFIG=" + file, "IFMATCH_STORE=memory:"}, "serve", "--listen", "127.0.0.1:0"))
	defer s.stop()
	status(t, s.url+"/v1/notes?x="+strings.Repeat("x", 1024), http.StatusRequestURITooLong)
	r, err := http.NewRequest(http.MethodGet, s.url+"/v1/notes", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Pad", strings.Repeat("p", 8<<10))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge ||
		answer.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("a header over the limit: %s %v, %v", answer.Status, answer.Header, err)
	}
	for key, args := range map[string][]string{
		"192.0.2.1:1 can be reached": {"--store", "memory:"},
		"lstat /nowhere":             {"--listen", "127.0.0.1:0"},
	} {
		said := fails(t, program(t, nil, append([]string{"serve", "--config", file}, args...)...))
		if !strings.HasPrefix(said, "ifmatch: "+key) {
			t.Errorf("the file's own value is refused with %q, want %s", said, key)
		}
	}
}
