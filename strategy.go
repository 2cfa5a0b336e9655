package ifmatch

// Strategy says what happens to a stale write: one that is based on a version
// which is known and no longer the current one.
type Strategy string

// The strategies.
const (
	// StrategyReject refuses the write and explains the conflict.
	StrategyReject Strategy = "reject"
	// StrategyMerge merges the write with what happened since its base, and refuses
	// it where the two contradict each other.
	StrategyMerge Strategy = "merge"
	// StrategyPark merges, and keeps a write that contradicts until somebody decides.
	StrategyPark Strategy = "park"
	// StrategyOverwrite lets the last writer win, and says so in the history.
	StrategyOverwrite Strategy = "overwrite"
)

// OnStale says what happens to stale writes. The zero value rejects them.
type OnStale struct {
	// Default holds where the caller asks for nothing; "" is StrategyReject.
	Default Strategy
	// Allow lists what a caller may ask for with Prefer: conflict=…. StrategyReject
	// and Default can always be had.
	Allow []Strategy
	// Overwrite is the expression of a policy file that says who may overwrite, of
	// those whom Default and Allow let; "" is all of them. It is for whoever obeys
	// the rest to ask.
	Overwrite string
}
