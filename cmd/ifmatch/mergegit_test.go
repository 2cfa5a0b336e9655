package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch/test/session"
)

// gitEnvironment lets git in this process and below find the program as ifmatch,
// and no settings but its own. It skips t where there is no git.
func gitEnvironment(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skipf("SKIPPED, NOT CHECKED: merging in git needs git: %v", err)
	}
	home := t.TempDir()
	self, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(home, "ifmatch")); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"PATH": home + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME": home, "XDG_CONFIG_HOME": home,
		asProgram: "1", "GORACE": "atexit_sleep_ms=0", "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": writeFile(t, filepath.Join(home, "config"),
			"[user]\nname = Ann\nemail = ann@example.com\n[init]\ndefaultBranch = main\n[commit]\ngpgSign = false\n"),
	} {
		t.Setenv(name, value)
	}
}

// repository is a git repository in a folder of its own, with one file that the
// driver is for, on the branches main and other.
type repository struct {
	*testing.T
	dir, file string
}

// driver is what the documentation has people write.
const driver = "ifmatch merge %O %B %A -o %A --name %P"

// newRepository commits base as the file, then theirs on the branch other, then
// mine on main, which it leaves checked out. A base of "" is none. What follows
// %P is args.
func newRepository(t *testing.T, file, base, theirs, mine string, args ...string) *repository {
	t.Helper()
	gitEnvironment(t)
	r := &repository{T: t, dir: t.TempDir(), file: file}
	r.git("init", "-q")
	r.git("config", "merge.ifmatch.driver", strings.Join(append([]string{driver}, args...), " "))
	r.git("config", "merge.ifmatch.recursive", "text")
	writeFile(t, filepath.Join(r.dir, ".gitattributes"), "*.json merge=ifmatch\n")
	r.git("add", ".")
	r.git("commit", "-q", "-m", "attributes")
	if base != "" {
		r.commit(base)
	}
	r.git("switch", "-q", "-c", "other")
	r.commit(theirs)
	r.git("switch", "-q", "main")
	r.commit(mine)
	return r
}

// git runs git, which must go well, and returns what it printed.
func (r *repository) git(args ...string) string {
	r.Helper()
	out, err := r.try(args...)
	if err != nil {
		r.Fatalf("git %q: %v: %s", args, err, out)
	}
	return out
}

// try runs git and returns what it printed, and how it ended if that was not 0.
func (r *repository) try(args ...string) (string, error) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "git", args...)
	c.Dir = r.dir
	out, err := c.CombinedOutput()
	return string(out), err
}

// conflicts runs git, which must end in a conflict, and returns what it printed.
func (r *repository) conflicts(args ...string) string {
	r.Helper()
	out, err := r.try(args...)
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
		r.Fatalf("git %q: %v, want exit code 1: %s", args, err, out)
	}
	return out
}

func (r *repository) commit(text string) {
	r.Helper()
	path := filepath.Join(r.dir, filepath.FromSlash(r.file))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.Fatal(err)
	}
	writeFile(r.T, path, text)
	r.git("add", ".")
	r.git("commit", "-q", "-m", "change")
}

// has checks the file in the working tree, and that the driver left nothing else
// there.
func (r *repository) has(want string) {
	r.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(r.file)))
	if err != nil || string(text) != want {
		r.Errorf("the file holds %q, %v; want %q", text, err, want)
	}
	if left := r.git("status", "--porcelain", "--untracked-files=all"); strings.Contains(left, "?") {
		r.Errorf("left in the working tree: %s", left)
	}
}

// inConflict checks that git has the three sides, and the file is mine.
func (r *repository) inConflict(base, theirs, mine string) {
	r.Helper()
	r.has(mine)
	for stage, want := range map[string]string{":1:": base, ":2:": mine, ":3:": theirs} {
		switch text, err := r.try("show", stage+r.file); {
		case want == "" && err == nil:
			r.Errorf("stage %s holds %q, want none", stage, text)
		case want != "" && (err != nil || text != want):
			r.Errorf("stage %s holds %q, %v; want %q", stage, text, err, want)
		}
	}
}

func TestGitMergesWhatItsOwnMergeDoesNot(t *testing.T) {
	r := newRepository(t, "notes/it's a note.json", shortBase, shortTheirs, shortMine)
	if out := r.conflicts("-c", "core.attributesFile="+os.DevNull, "-c", "merge.ifmatch.driver=git merge-file %A %O %B", "merge", "other"); !strings.Contains(out, "CONFLICT") {
		t.Fatalf("git merges lines beside each other: %s", out)
	}
	r.git("merge", "--abort")
	if out := r.git("merge", "-m", "merged", "other"); strings.Contains(out, "ifmatch") {
		t.Errorf("a clean merge says %s", out)
	}
	r.has(shortMerged)
}

func TestGitDispute(t *testing.T) {
	for _, tt := range []struct{ name, base, theirs, mine, said string }{
		{"both changed a member", shortBase, shortTheirs, otherMine, "notes/a b.json is not merged, and nothing was written: 1 place is disputed\n\n/a: both sides changed it\n  base    1\n  theirs  2\n  yours   3\n"},
		{"both added the file", "", "{\"a\": 1}\n", "{\"a\": 2}\n", "notes/a b.json is not merged, and nothing was written: 1 place is disputed\n\n/a: both sides changed it\n  base    (nothing)\n  theirs  1\n  yours   2\n"},
		{"theirs is not JSON", shortBase, "{\n  \"a\": 2,\n}\n", shortMine, "ifmatch: notes/a b.json (theirs):2:9: invalid character ','"},
		{"mine is empty", shortBase, shortTheirs, " ", "ifmatch: notes/a b.json (mine):1:2: the JSON text ends too early"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRepository(t, "notes/a b.json", tt.base, tt.theirs, tt.mine)
			out := r.conflicts("merge", "-m", "merged", "other")
			if !strings.Contains(out, tt.said) || !strings.Contains(out, "Merge conflict in notes/a b.json\n") {
				t.Errorf("git says %s", out)
			}
			r.inConflict(tt.base, tt.theirs, tt.mine)
			if status := r.git("status", "--porcelain"); !strings.HasPrefix(status, "UU ") && !strings.HasPrefix(status, "AA ") {
				r.Errorf("git status says %s", status)
			}
			r.git("merge", "--abort")
			r.has(tt.mine)
		})
	}
}

// TestGitBothAdded: with no common ancestor, what one side alone has is kept.
func TestGitBothAdded(t *testing.T) {
	r := newRepository(t, "a.json", "", "{\n  \"a\": 1\n}\n", "{\n  \"b\": 1\n}\n")
	r.git("merge", "-m", "merged", "other")
	r.has("{\n  \"a\": 1,\n  \"b\": 1\n}\n")
}

// TestGitSides holds which side is mine: where git says ours.
func TestGitSides(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"merge", []string{"merge", "-m", "merged", "other"}, otherMine},
		{"rebase: git plays this branch's commits on the other", []string{"rebase", "other"}, shortTheirs},
		{"cherry-pick", []string{"cherry-pick", "other"}, otherMine},
	} {
		t.Run(tt.name, func(t *testing.T) {
			theirs := strings.Replace(shortTheirs, `"b": 1`, `"b": 2.50`, 1) // so that a alone differs
			r := newRepository(t, "a.json", shortBase, theirs, otherMine, "--policy ifmatch.yaml --collection notes")
			writeFile(t, filepath.Join(r.dir, "ifmatch.yaml"), "collections: [{name: notes, fields: [{path: /a, on_conflict: mine}]}]\n")
			r.git("add", ".")
			r.git("commit", "-q", "-m", "policy")
			if tt.args[0] == "rebase" { // onto a branch that has the policy
				tt.want = theirs
				r.git("switch", "-q", "other")
				writeFile(t, filepath.Join(r.dir, "ifmatch.yaml"), "collections: [{name: notes, fields: [{path: /a, on_conflict: mine}]}]\n")
				r.git("add", ".")
				r.git("commit", "-q", "-m", "policy")
				r.git("switch", "-q", "main")
			}
			out, err := r.try(tt.args...)
			if err != nil && tt.args[0] == "cherry-pick" && strings.Contains(out, "is now empty") {
				err = nil // mine as a whole, so that nothing is left to commit
			}
			if err != nil || !strings.Contains(out, "a.json: /a: both sides changed it, and mine keeps yours\n") {
				t.Errorf("%v: %s", err, out)
			}
			r.has(tt.want)
		})
	}
}

// TestGitCrissCross: where git merges two common ancestors first, and they
// contradict each other, what one side decided does not win in silence.
func TestGitCrissCross(t *testing.T) {
	r := newRepository(t, "a.json", shortBase, shortTheirs, otherMine)
	r.git("branch", "before")
	r.conflicts("merge", "other")
	r.commit(otherMine)
	r.git("switch", "-q", "other")
	r.conflicts("merge", "before")
	theirs := strings.Replace(shortTheirs, `"b": 1`, `"b": 2.50`, 1)
	r.commit(theirs)
	r.git("switch", "-q", "main")
	if out := r.conflicts("merge", "other"); !strings.Contains(out, "ifmatch: a.json (base):2:1: ") {
		t.Errorf("git says %s", out)
	}
	r.has(otherMine)
}

// TestGitDocumentation runs what docs/git-merge-driver.md shows.
func TestGitDocumentation(t *testing.T) {
	gitEnvironment(t)
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skipf("SKIPPED, NOT CHECKED: the session of the documentation needs bash: %v", err)
	}
	readme, err := filepath.Abs("../../docs/git-merge-driver.md")
	if err != nil {
		t.Fatal(err)
	}
	// What a reader sees on a terminal is both outputs.
	t.Setenv("BASH_ENV", writeFile(t, filepath.Join(t.TempDir(), "both"), "exec 2>&1\n"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := session.Check(ctx, readme, t.TempDir(), driver, driver); err != nil {
		t.Error(err)
	}
}
