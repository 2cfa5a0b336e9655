package keyring

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	made  = time.Date(2026, 11, 21, 15, 0, 0, 0, time.UTC)
	one   = strings.Repeat("01", 32)
	two   = strings.Repeat("02", 48)
	three = strings.Repeat("03", 32)
)

func TestParse(t *testing.T) {
	r, err := Parse([]byte("# a ring\n\n" + one + " 2026-11-21T15:00:00Z retired\n  " + two + "\tretired \r\n" + strings.ToUpper(three)))
	if err != nil {
		t.Fatal(err)
	}
	want := []Key{{Secret: bytes.Repeat([]byte{1}, 32), Made: made, Retired: true}, {Secret: bytes.Repeat([]byte{2}, 48), Retired: true}, {Secret: bytes.Repeat([]byte{3}, 32)}}
	if !reflect.DeepEqual(r.Keys(), want) {
		t.Errorf("%+v, want %+v", r.Keys(), want)
	}
	if s := r.Signing(); len(s) != 1 || !bytes.Equal(s[0], want[2].Secret) {
		t.Errorf("%x signs", s)
	}
	if s := r.Sealing(); len(s) != 3 || !bytes.Equal(s[2], want[2].Secret) {
		t.Errorf("%x seal", s)
	}
	again, err := Parse(r.Text())
	if err != nil || !reflect.DeepEqual(again, r) {
		t.Errorf("%s is read as %+v, %v", r.Text(), again, err)
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"": "there is no key", "\n# nothing\n": "there is no key", "not hex": "line 1 does not begin with a key in hex", one[1:]: "line 1 does not begin",
		"#\n" + one[2:]: "line 2 holds a key of 31 bytes; it needs 32", one + " yesterday": "line 1 has something behind the key",
		one + " 2026-11-21T15:00:00Z retired twice": "line 1 has more than", one + " retired 2026-11-21T15:00:00Z": "line 1 has more than",
		one + "\n" + two + "\n" + one: "line 3 holds a key that is there already", one + "\n" + two + " retired\n": "line 2 retires the newest key", one + two + "\x00": "line 1 does not begin",
	} {
		r, err := Parse([]byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) || len(r.Keys()) != 0 {
			t.Errorf("%q: %+v, %v, want %s", text, r, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "0101") {
			t.Errorf("%q: the error shows a key: %v", text, err)
		}
	}
}

// FuzzParse checks that whatever is a ring is written as one, and is never without a
// key that signs.
func FuzzParse(f *testing.F) {
	f.Add([]byte("# a ring\n" + one + " 2026-11-21T15:00:00Z retired\n" + two + "\n"))
	f.Add([]byte(one + " 2026-11-21T15:00:00+02:00\n\n" + three + " retired"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(r.Text())
		if err != nil || !bytes.Equal(again.Text(), r.Text()) || len(again.Keys()) != len(r.Keys()) {
			t.Errorf("%q is written as %q: %v", text, r.Text(), err)
		}
		if len(r.Signing()) == 0 || !bytes.Equal(r.Signing()[len(r.Signing())-1], r.Sealing()[len(r.Sealing())-1]) {
			t.Errorf("%q has no key that signs and seals", text)
		}
	})
}

func TestRotatedAndRetired(t *testing.T) {
	r := New(made)
	if keys := r.Keys(); len(keys) != 1 || len(keys[0].Secret) != 32 || keys[0].Made != made || keys[0].Retired {
		t.Fatalf("%+v", keys)
	}
	first := r.Keys()[0].ID()
	if _, err := r.Retired(first); err == nil || !strings.Contains(err.Error(), "rotate first") {
		t.Errorf("the newest key is retired: %v", err)
	}
	if _, err := r.Retired("none"); err == nil {
		t.Error("a key that is not there is retired")
	}
	rotated := r.Rotated(made.Add(time.Hour))
	if len(r.Keys()) != 1 || len(rotated.Signing()) != 2 || rotated.Keys()[0].ID() != first {
		t.Errorf("%+v became %+v", r, rotated)
	}
	left, err := rotated.Retired(first)
	if err != nil || len(left.Signing()) != 1 || len(left.Sealing()) != 2 || len(rotated.Signing()) != 2 {
		t.Errorf("%+v became %+v, %v", rotated, left, err)
	}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring")
	if _, err := Load(path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "ifmatch keyring rotate") {
		t.Errorf("a ring that is not there: %v", err)
	}
	// Servers that start together have one ring.
	var wg sync.WaitGroup
	rings := make([]Ring, 8)
	for i := range rings {
		wg.Go(func() {
			for {
				r, err := Open(path)
				if err == nil {
					rings[i] = r
					return
				}
				if !strings.Contains(err.Error(), "being changed") {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	for _, r := range rings {
		if !reflect.DeepEqual(r, rings[0]) || len(r.Keys()) != 1 {
			t.Errorf("%+v and %+v are in one file", r, rings[0])
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if r, err := Load(path); err != nil || !reflect.DeepEqual(r, rings[0]) {
		t.Errorf("%+v, %v", r, err)
	}
	alone(t, path)
}

// alone checks that nothing was left beside the file.
func alone(t *testing.T, path string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("%v are in the folder, %v", left, err)
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		mode fs.FileMode
		want string
	}{
		"readable by all": {one, 0o644, "open to others (its mode is 0644)"}, "writable by the group": {one, 0o620, "chmod 600"},
		"empty": {"", 0o600, "no key in it; restore it from a copy"}, "broken": {"half a k", 0o600, "line 1 does not begin with a key in hex; restore"},
		"huge": {strings.Repeat("#\n", maxFile), 0o600, "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ring")
			write(t, path, tt.text, tt.mode)
			for what, use := range map[string]func() (Ring, error){
				"Load": func() (Ring, error) { return Load(path) }, "Open": func() (Ring, error) { return Open(path) },
				"Update": func() (Ring, error) { return Update(path, func(r Ring) (Ring, error) { return r.Rotated(made), nil }) },
			} {
				if _, err := use(); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
					t.Errorf("%s: %v, want %s", what, err, tt.want)
				}
			}
			if text, err := os.ReadFile(path); err != nil || string(text) != tt.text {
				t.Errorf("the file was changed: %v", err)
			}
			alone(t, path)
		})
	}
	t.Run("readable by the group", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "ring")
		write(t, path, one, 0o640)
		if _, err := Load(path); err != nil {
			t.Error(err)
		}
	})
	t.Run("a folder", func(t *testing.T) {
		if _, err := Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is not a file") {
			t.Error(err)
		}
	})
}

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
}

// TestUpdateTogether: of keys that are added at once none is lost.
func TestUpdateTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring")
	write(t, path, one, 0o600)
	_, err := Update(path, func(Ring) (Ring, error) {
		if _, err := Update(path, func(r Ring) (Ring, error) { return r.Rotated(made), nil }); err == nil || !strings.Contains(err.Error(), "remove "+path+".new") {
			t.Errorf("two change the ring at once: %v", err)
		}
		return Ring{}, errors.New("no change")
	})
	if err == nil || err.Error() != "no change" {
		t.Error(err)
	}
	alone(t, path)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if r, err := Update(link, func(r Ring) (Ring, error) { return r.Rotated(made), nil }); err != nil || len(r.Keys()) != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := Load(path); err != nil || len(r.Keys()) != 2 {
		t.Errorf("the link was replaced: %+v, %v", r, err)
	}
}

// TestReload: a ring that changes is used, and one that cannot be leaves the one before.
func TestReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring")
	write(t, path, one, 0o600)
	first, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	var used []int // how many keys the rings had
	refuse := false
	w := NewWatcher(path, first, slog.New(slog.NewTextHandler(&log, nil)), func(r Ring) error {
		if refuse {
			return errors.New("refused")
		}
		used = append(used, len(r.Keys()))
		return nil
	})
	look := func(what string, times int, said string) {
		t.Helper()
		log.Reset()
		for range 3 {
			w.Reload()
		}
		if len(used) != times || strings.Count(log.String(), "level=") != min(1, len(said)) || !strings.Contains(log.String(), said) {
			t.Errorf("%s: used %v, said %q", what, used, log.String())
		}
		if strings.Contains(log.String(), "0101") {
			t.Errorf("the log shows a key: %s", log.String())
		}
	}
	look("as it was", 0, "")
	write(t, path, one+"\n"+two, 0o600)
	look("with one more", 1, "keys=2")
	write(t, path, one+"\n"+two[:len(two)-1], 0o600)
	look("half written", 1, "cannot be used")
	write(t, path, one+"\n"+two, 0o644)
	look("open to others", 1, "chmod 600")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	look("gone", 1, "no key ring")
	write(t, path, one+"\n"+two, 0o600)
	look("back", 1, "")
	refuse = true
	write(t, path, three, 0o600)
	look("refused", 1, "refused")
	refuse = false
	look("not refused", 2, "keys=1")
}
