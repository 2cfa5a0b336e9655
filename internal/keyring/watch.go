package keyring

import (
	"bytes"
	"log/slog"
)

// Watcher hands on the ring of a file whenever it changes. It belongs to one goroutine.
type Watcher struct {
	path string
	log  *slog.Logger
	use  func(Ring) error

	have   []byte // the text of the ring in use
	broken string // what was found wrong last and has been logged, "" for nothing
}

// NewWatcher returns a watcher of the file that have was read from. Each ring that the
// file has after it is handed to use.
func NewWatcher(path string, have Ring, log *slog.Logger, use func(Ring) error) *Watcher {
	return &Watcher{path: path, log: log, use: use, have: have.Text()}
}

// Reload reads the file again, and is called every so often. It compares what the file
// holds: a link that changes, as orchestrators have them, is seen too. A ring that
// cannot be read or used is logged, once, and the one before stays in use.
func (w *Watcher) Reload() {
	r, err := Load(w.path)
	changed := err == nil && !bytes.Equal(r.Text(), w.have)
	if changed {
		err = w.use(r)
	}
	switch {
	case err != nil && err.Error() != w.broken:
		w.broken = err.Error()
		w.log.Error("the key ring has changed and cannot be used; the keys from before are still in use", "cause", err)
	case err == nil:
		w.broken = ""
	}
	if err == nil && changed {
		w.have = r.Text()
		keys := r.Keys()
		w.log.Info("the key ring has changed", "file", w.path, "signing", keys[len(keys)-1].ID(), "keys", len(keys))
	}
}
