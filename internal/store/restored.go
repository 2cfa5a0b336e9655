package store

import "fmt"

// RaisedFloor returns the floor of a store after it was restored, in which greatest is
// the greatest version, floor or fence. It fails with [ErrInvalid] as
// [Restorer.Restored] does.
func RaisedFloor(greatest, margin int64) (int64, error) {
	if margin < 1 || margin > MaxVersion-greatest {
		return 0, fmt.Errorf("%w: a margin of %d over version %d; versions end at %d", ErrInvalid, margin, greatest, int64(MaxVersion))
	}
	return greatest + margin, nil
}
