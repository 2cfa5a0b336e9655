package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMutantsFollowTheCode finds every place that a mutant changes, without
// building anything.
func TestMutantsFollowTheCode(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{root: root, dir: t.TempDir()}
	names := make(map[string]bool)
	for _, m := range mutants {
		if names[m.name] {
			t.Errorf("two mutants are called %q", m.name)
		}
		names[m.name] = true
		overlay, err := r.overlay(&m)
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		list, err := os.ReadFile(overlay)
		if err != nil || !strings.Contains(string(list), `"Replace"`) {
			t.Errorf("%s: the overlay is %s, %v", m.name, list, err)
		}
	}
}

func TestEditMustMatchOnce(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "a.go"), []byte("one two two"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &runner{root: root, dir: t.TempDir()}
	for old, places := range map[string]int{"none": 0, "one": 1, "two": 2} {
		_, err := r.overlay(&mutant{edits: []edit{{"a.go", old, "x"}}})
		if (err == nil) != (places == 1) {
			t.Errorf("an edit with %d places: %v", places, err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(root, "a.go")); err != nil || string(text) != "one two two" {
		t.Errorf("the tree was touched: %q, %v", text, err)
	}
}

func TestFirstFailure(t *testing.T) {
	for _, c := range []struct{ name, out, want string }{
		{"innermost", "--- FAIL: TestA (1s)\n    --- FAIL: TestA/b (1s)\n        --- FAIL: TestA/b/c (0s)\n--- FAIL: TestZ (0s)\n", "TestA/b/c"},
		{"crash", "fatal error: all goroutines are asleep\n", "fatal error: all goroutines are asleep"},
		{"hang", "panic: test timed out after 90s\nrunning tests:\n", "panic: test timed out after 90s"},
		{"broken build", "# pkg\n./a.go:1: undefined: x\nFAIL\tpkg [build failed]\n", ""},
	} {
		if got := firstFailure([]byte(c.out)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestVerdict: only what failed by an assertion, or crashed, was noticed.
func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		want string
		r    result
	}{
		{"red", result{notice: "TestA/b"}},
		{"red", result{notice: "fatal error: all goroutines are asleep - deadlock!"}},
		{"HUNG", result{notice: firstFailure([]byte("panic: test timed out after 1m30s\n\trunning tests:\n\t\tTestA (1m30s)\n"))}},
		{"GREEN", result{green: true}},
		{"BROKEN", result{err: errors.New("the mutant does not build")}},
	} {
		if got := c.r.verdict(); got != c.want {
			t.Errorf("%+v is %s, want %s", c.r, got, c.want)
		}
	}
}
