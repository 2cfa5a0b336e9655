// Package access tells who a caller is: it turns a credential into a principal.
package access

// Principal is somebody who has proved who they are. It is shared between
// requests: nobody modifies it, nor what it refers to.
type Principal struct {
	// Name stands in the log of every write, as by and changedBy.
	Name string
	// Roles stand in the log as they were at the time.
	Roles []string
	// Claims are what else is known of the principal: texts, int64 numbers, bools,
	// []any of these, and values of JSON, whose numbers stay exact.
	Claims map[string]any
}
