package transfer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// state is how far a transfer has come. It lies beside the file that is written
// or read, so that an interrupted transfer can go on where it was.
type state struct {
	URL    string `json:"url"`              // of the collection
	Offset int64  `json:"offset"`           // bytes of the file that are done
	Lines  int64  `json:"lines"`            // and lines
	Cursor string `json:"cursor,omitempty"` // of the next page, on export
}

// stateSuffix is what the state's file has behind the name of the transfer's.
const stateSuffix = ".resume"

// loadState returns where a transfer of this file stopped, or the beginning and
// false where none did. A state of another collection is refused: two would be
// mixed up.
func loadState(file, url string) (s state, begun bool, err error) {
	text, err := os.ReadFile(file + stateSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return state{URL: url}, false, nil
	}
	if err != nil {
		return state{}, false, err
	}
	if err := json.Unmarshal(text, &s); err != nil || s.Offset < 0 || s.Lines < 0 {
		return state{}, false, fmt.Errorf("%s%s does not say where the transfer stopped; remove it to start anew", file, stateSuffix)
	}
	if s.URL != url {
		return state{}, false, fmt.Errorf("%s was left by a transfer of %s; go on with that one, or remove %[1]s%s to start anew", file, s.URL, stateSuffix)
	}
	return s, true, nil
}

// save replaces the state's file, so that it is never half written.
func (s *state) save(file string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	next := file + stateSuffix + ".new"
	if err := os.WriteFile(next, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(next, file+stateSuffix)
}

// removeState ends a transfer that has come to its end.
func removeState(file string) error {
	err := os.Remove(file + stateSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
