package merge

// Type says how two changes of one field combine.
type Type string

// The types. Untyped merges objects member by member; nothing else combines.
const (
	Untyped Type = ""
	// Atomic: the subtree is one value.
	Atomic Type = "atomic"
	// Set: an array without order; additions and removals of both sides.
	Set Type = "set"
	// List: an array of objects that a key tells apart; elements merge like
	// objects, additions and removals of both sides.
	List Type = "list"
	// Sequence: an array whose order matters, by diff3 on its elements.
	Sequence Type = "sequence"
	// Append: an array that only grows; theirs' new elements, then mine.
	Append Type = "append"
	// Counter: a number; theirs + (mine − base), exactly.
	Counter Type = "counter"
	// Text: a string, by diff3 on its lines, then on the words of lines that both
	// sides touched. No conflict markers are ever written.
	Text Type = "text"
	// Immutable: a value that does not change once it is there. A merge treats it
	// as Atomic; who stores the result asks [Policy.Breaches], merged or not.
	Immutable Type = "immutable"
)

// Types returns all types but Untyped.
func Types() []Type {
	return []Type{Atomic, Set, List, Sequence, Append, Counter, Text, Immutable}
}

// Rule says how a dispute is settled.
type Rule string

// The rules.
const (
	// RuleReject leaves it to a person. It is the default.
	RuleReject Rule = "reject"
	// RuleTheirs keeps the stored value.
	RuleTheirs Rule = "theirs"
	// RuleMine takes the incoming value.
	RuleMine Rule = "mine"
	// RuleNewest takes the side whose time at By is later (RFC 3339).
	RuleNewest Rule = "newest"
	// RuleHighest takes the greater number, of the values or of those at By.
	RuleHighest Rule = "highest"
	// RuleLowest takes the smaller number, of the values or of those at By.
	RuleLowest Rule = "lowest"
	// RuleAuthority takes the side whose writer has the role that stands earlier.
	RuleAuthority Rule = "authority"
)

// RuleNames returns all rules.
func RuleNames() []Rule {
	return []Rule{RuleReject, RuleTheirs, RuleMine, RuleNewest, RuleHighest, RuleLowest, RuleAuthority}
}

// OnConflict settles disputes of a field and of everything below it that has no
// OnConflict of its own. Ties, missing and unparsable values leave a dispute.
type OnConflict struct {
	Rule Rule // empty: that of the field above, RuleReject at the top
	// By is a JSON Pointer to what RuleNewest, RuleHighest and RuleLowest compare:
	// in the element of a list that the dispute lies in, if it is there on both
	// sides, else in the document. RuleNewest needs it. A dispute about the field
	// at By itself follows the same comparison, unless it has a rule of its own.
	By string
	// Authority lists roles, the one with the most authority first.
	Authority []string
}

// Field is the rule for the places that a pattern matches.
type Field struct {
	// Path is a JSON Pointer in which the token * stands for any one token and **
	// for any number of them. Elements of lists are matched by * and ** only. Of
	// several patterns that match, the more exact holds: from left to right a
	// literal token goes before *, and * before **. /a goes before /a/**, which
	// matches it too.
	Path string
	Type Type
	// Key is a JSON Pointer into the elements of a List to the scalar that tells
	// them apart.
	Key string
	// Min and Max bound a Counter; JSON numbers, or empty.
	Min, Max string

	OnConflict OnConflict
}

// Group names fields that mean something only jointly, by JSON Pointers without
// patterns. Where a merge would give them values that are neither theirs nor
// mine as a whole, that is a dispute over all of them.
type Group struct {
	Paths      []string
	OnConflict OnConflict
}

// Rules are a policy as it is written. The zero Rules merge objects member by
// member and leave every dispute to a person.
type Rules struct {
	Fields   []Field
	Together []Group
	// IgnoreValues settles differences of values for mine, without a dispute.
	IgnoreValues bool
	// IgnoreStructure settles removals against changes, and changes of kind, for
	// the side that kept the data, without a dispute.
	IgnoreStructure bool
}
