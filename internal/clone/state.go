package clone

import (
	"errors"
	"fmt"
)

// state is how far a copy has come, as the store that is copied to keeps it.
type state struct {
	ID     string // of the store that is copied
	Epoch  int64
	Pieces int64  // that were taken over
	Digest string // of all of them
}

const stateForm = "1 %s %d %d %s"

func (s state) bytes() []byte {
	return fmt.Appendf(nil, stateForm, s.ID, s.Epoch, s.Pieces, s.Digest)
}

func parseState(text []byte) (s state, err error) {
	if _, err := fmt.Sscanf(string(text), stateForm, &s.ID, &s.Epoch, &s.Pieces, &s.Digest); err != nil {
		return s, errors.New("the copy was begun by another version of ifmatch; go on with that one, or begin again with an empty store")
	}
	return s, nil
}
