package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// mutant is one broken build and the tests that must notice it.
type mutant struct {
	name  string
	edits []edit
	test  test
	short bool   // belongs to the short run
	needs string // the variable of the environment that names a server, "" for none
}

// edit replaces one piece of a file, which must occur in it exactly once: a
// mutant that has lost its place must not pass for one that was noticed.
type edit struct {
	file, old, new string
}

// test names tests of one package.
type test struct {
	pkg, run string
}

func (t test) String() string { return t.pkg + " " + t.run }

// result is what became of a mutant.
type result struct {
	mutant *mutant
	green  bool
	notice string // the first test that failed
	err    error  // the mutant could not be tried
}

// verdict is red where an assertion failed. A test that only hangs says nothing of
// what is wrong, and says it late; it passes for one that noticed nothing.
func (r *result) verdict() string {
	switch {
	case r.err != nil:
		return "BROKEN"
	case r.green:
		return "GREEN"
	case strings.HasPrefix(r.notice, timedOut):
		return "HUNG"
	}
	return "red"
}

// runner runs tests of the module at root, with overlays in dir.
type runner struct {
	root, dir string
}

// testTimeout bounds one run of tests, where a breakage makes them hang.
const testTimeout = "90s"

// timedOut is what a run says that took longer.
const timedOut = "panic: test timed out"

// baseline runs what the mutants are tried with on the tree as it is: a test
// that fails anyway notices nothing.
func (r *runner) baseline(ctx context.Context, chosen []mutant) error {
	var tests []test
	known := make(map[test]bool)
	for _, m := range chosen {
		if !known[m.test] {
			known[m.test] = true
			tests = append(tests, m.test)
		}
	}
	errs := make([]error, len(tests))
	inParallel(len(tests), func(i int) {
		out, passed, err := r.goTest(ctx, tests[i], "")
		switch {
		case err != nil:
			errs[i] = err
		case !passed:
			errs[i] = fmt.Errorf("%s fails without any mutant:\n%s", tests[i], out)
		case bytes.Contains(out, []byte("no tests to run")):
			errs[i] = fmt.Errorf("%s names no test", tests[i])
		}
	})
	return errors.Join(errs...)
}

// mutated runs a mutant's tests on its build.
func (r *runner) mutated(ctx context.Context, m *mutant) result {
	res := result{mutant: m}
	overlay, err := r.overlay(m)
	if err != nil {
		res.err = err
		return res
	}
	out, passed, err := r.goTest(ctx, m.test, overlay)
	res.green = passed
	switch {
	case err != nil:
		res.err = err
	case !passed:
		res.notice = firstFailure(out)
		if res.notice == "" {
			res.err = fmt.Errorf("the tests did not come to a verdict:\n%s", out)
		}
	}
	return res
}

// goTest runs tests; passed is false where they fail or do not build.
func (r *runner) goTest(ctx context.Context, t test, overlay string) (out []byte, passed bool, err error) {
	args := []string{"test", "-count=1", "-short", "-failfast", "-vet=off", "-timeout=" + testTimeout, "-run=" + t.run}
	c := exec.CommandContext(ctx, "go", append(args, t.pkg)...)
	c.Dir = r.root
	if overlay != "" {
		// By the environment, so that it also reaches the programs that tests build.
		c.Env = append(os.Environ(), strings.TrimSpace("GOFLAGS="+os.Getenv("GOFLAGS")+" -overlay="+overlay))
	}
	out, err = c.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		return out, false, nil
	}
	return out, err == nil, err
}

// overlay writes the mutated files and the list of them that go takes.
func (r *runner) overlay(m *mutant) (string, error) {
	dir, err := os.MkdirTemp(r.dir, "mutant-")
	if err != nil {
		return "", err
	}
	sources := make(map[string]string) // mutated so far
	for _, e := range m.edits {
		text, ok := sources[e.file]
		if !ok {
			b, err := os.ReadFile(filepath.Join(r.root, filepath.FromSlash(e.file)))
			if err != nil {
				return "", err
			}
			text = string(b)
		}
		if n := strings.Count(text, e.old); n != 1 {
			return "", fmt.Errorf("%s has %d places like this, want 1; the mutant must follow the code:\n%s", e.file, n, e.old)
		}
		sources[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	replace := make(map[string]string)
	for file, text := range sources {
		path := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(r.root, filepath.FromSlash(file))] = path
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, list, 0o600)
}

var failure = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)|^(fatal error: .*|panic: .*)$`)

// firstFailure names the innermost of the first failed tests, or how the run
// ended otherwise. It is empty where the build failed.
func firstFailure(out []byte) string {
	var found string
	for _, m := range failure.FindAllSubmatch(out, -1) {
		name := string(m[1]) + string(m[2])
		if found != "" && !strings.HasPrefix(name, found+"/") {
			break
		}
		found = name
	}
	return oneLine(found)
}
