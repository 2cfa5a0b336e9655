package store

// Point names a moment inside a driver's commit, for tests that force an
// interleaving or a fault there.
type Point string

// The points, in the order in which a commit passes them.
const (
	// PointQueued: the commit was accepted and waits for its turn.
	PointQueued Point = "queued"
	// PointGroup: the writer has gathered its group and has not begun. An error
	// here fails the group before anything happened.
	PointGroup Point = "group"
	// PointChecked: every check of one commit has passed, nothing is written.
	PointChecked Point = "checked"
	// PointBeforeCommit: everything is written, nothing is durable. An error
	// here stands for a COMMIT that failed and left nothing.
	PointBeforeCommit Point = "before-commit"
	// PointAfterCommit: durable, but neither published nor answered. An error
	// here stands for a COMMIT whose outcome the driver cannot know.
	PointAfterCommit Point = "after-commit"
	// PointFill: a read has its rows and has not yet put them into the cache.
	PointFill Point = "fill"
)

// Probe is called by a driver at its points, outside its locks where the point
// allows it. It may block to force an order, or return an error to force a
// fault. The nil Probe does nothing. Production code never sets one.
type Probe func(Point) error

// At calls p unless it is nil.
func (p Probe) At(at Point) error {
	if p == nil {
		return nil
	}
	return p(at)
}
