package store

import "context"

// Exporter can hand out all that a store holds, for another kind of store to take
// over.
type Exporter interface {
	// Export yields every piece, in one snapshot, and stops at the first error that
	// yield returns, and returns it. First comes the Whole; then parts, sets of
	// indexes, documents, side rows, claims, log rows and answers, in this order of
	// kinds. The log rows of a document come by Rev, those of a lane by position.
	// As long as the store is not written the order is the same each time. What was
	// yielded belongs to who got it, but for its byte slices, which are shared.
	Export(ctx context.Context, yield func(Piece) error) error
}

// Importer can take over what an [Exporter] hands out. Between the first Import and the
// last nothing else may be done with the store, and none of it survives but in this
// way; after the last it has to be opened anew, where it outlives its process.
type Importer interface {
	// Import takes over the pieces in i and notes its State, all at once and durably, or
	// nothing. The first is [ErrNotEmpty] where the store holds anything, and makes it
	// one that is being imported to. Pieces come in the order of Export, each once.
	Import(ctx context.Context, i *Import) error

	// Importing returns the State of the newest Import, nil where none is on its way.
	Importing(ctx context.Context) ([]byte, error)

	// KeepsPositions tells whether log rows keep their positions when they come from
	// a store with so many lanes. Else they get new ones, in the order in which they
	// come, and what is said of positions in other pieces means nothing.
	KeepsPositions(lanes int) bool
}

// Import is one step of taking a store over.
type Import struct {
	State  []byte // opaque to the store; never empty
	Pieces []Piece
	// Done ends the import: the store takes this ID and Epoch over, and is one like
	// any other from then on.
	Done  bool
	ID    string
	Epoch int64
}

// Piece is one row of what a store holds: exactly one of its fields is set.
type Piece struct {
	Whole    *Whole
	Part     *PartPiece
	Indexes  *IndexSet
	Document *DocumentPiece
	Row      *Row
	Claim    *Claim // that is held
	Entry    *Entry // with its body, where that is kept
	Answer   *AnswerPiece
}

// Whole is what a store holds as a whole.
type Whole struct {
	Lanes  int
	Newest Mark  // the greatest positions that were ever given out
	Pruned Mark  // the greatest positions of rows that are no longer kept
	Floor  int64 // of parts that are still to come, and of fences
	About  int64 // roughly how many pieces follow; for whoever shows progress
}

// PartPiece is a part that has documents, or had some.
type PartPiece struct {
	Part   Part
	Floor  int64
	Pruned Mark
}

// IndexSet is what the documents of a collection are under. It is left out, and the
// keys of its documents are, where a Reindex did not come to its end.
type IndexSet struct {
	Collection string
	Names      []string // ascending, never none
}

// DocumentPiece is a document or a tombstone. Its body is that of the newest of its log
// rows that has changed its content.
type DocumentPiece struct {
	Head
	Fence int64      // of the newest lease that was ever granted
	Keys  []IndexKey // in the indexes of its collection
}

// AnswerPiece is what is stored under an idempotency key.
type AnswerPiece struct {
	Scope, Key string
	Answer
}
