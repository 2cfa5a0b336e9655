package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

func text(s string) func() ([]byte, error) { return func() ([]byte, error) { return []byte(s), nil } }

// folder is one with a file of that content and mode; "" has none.
func folder(t *testing.T, content string, mode fs.FileMode) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	if content == "" {
		return path
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// holds checks what is in a file, and which files are beside it.
func holds(t *testing.T, path, content string, mode fs.FileMode, names ...string) {
	t.Helper()
	is, err := os.ReadFile(path)
	if err != nil || string(is) != content {
		t.Errorf("%q, %v; want %q", is, err, content)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != mode {
		t.Errorf("%v, %v; want %04o", info.Mode(), err, mode)
	}
	all, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, entry := range all {
		there = append(there, entry.Name())
	}
	if names = append([]string{"file"}, names...); !slices.Equal(there, names) {
		t.Errorf("there are %q, want %q", there, names)
	}
}

// usual is the mode of files that nobody says anything about.
func usual(t *testing.T) fs.FileMode {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "usual"))
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestReplace(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options Options
		was     string
		mode    fs.FileMode
		becomes fs.FileMode
	}{
		{"none", Options{}, "", 0, 0o600},
		{"none, for others too", Options{Mode: 0o666}, "", 0, usual(t)},
		{"none, under a lock", Options{Lock: ".new"}, "", 0, 0o600},
		{"a file keeps its mode", Options{Mode: 0o640, Owner: true}, "old", 0o604, 0o604},
		{"and under a lock", Options{Lock: ".new", Owner: true}, "old", 0o666, 0o666},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := folder(t, tt.was, tt.mode)
			if err := Replace(path, tt.options, text("new")); err != nil {
				t.Fatal(err)
			}
			holds(t, path, "new", tt.becomes)
		})
	}
}

// TestRefused: what fails leaves the file as it was, and nothing beside it.
func TestRefused(t *testing.T) {
	wrong := errors.New("wrong")
	for name, o := range map[string]Options{"without a lock": {}, "under one": {Lock: ".new"}} {
		t.Run(name, func(t *testing.T) {
			path := folder(t, "old", 0o640)
			if err := Replace(path, o, func() ([]byte, error) { return nil, wrong }); !errors.Is(err, wrong) {
				t.Error(err)
			}
			holds(t, path, "old", 0o640)
		})
	}
	t.Run("somebody else's lock", func(t *testing.T) {
		path := folder(t, "old", 0o640)
		err := Replace(path, Options{Lock: ".new"}, func() ([]byte, error) {
			err := Replace(path, Options{Lock: ".new"}, text("other"))
			if busy, ok := errors.AsType[*BusyError](err); !ok || busy.Lock != path+".new" || busy.Error() == "" {
				t.Errorf("two at once: %v", err)
			}
			holds(t, path, "old", 0o640, "file.new")
			return []byte("new"), nil
		})
		if err != nil {
			t.Error(err)
		}
		holds(t, path, "new", 0o640)
	})
	t.Run("no folder", func(t *testing.T) {
		if err := Replace(filepath.Join(t.TempDir(), "none", "file"), Options{}, text("new")); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
}
