// Package ifmatch is the vocabulary of lost-update protection over HTTP: entity
// tags, the precondition headers of a request, and [Evaluate], which judges
// them in the order of RFC 9110 §13.2.2.
//
// Everything here is pure: no I/O, no clock, no net/http. A hand-written
// handler reads its row, evaluates, and hands the row's version to its UPDATE:
//
//	res := ifmatch.Evaluate(r.Method, ifmatch.ParseConditions(r.Header),
//		ifmatch.State{Exists: true, ETag: ifmatch.VersionTag(version)}, ifmatch.Contract{})
//	if !res.Fresh() {
//		problem.Write(w, r, problem.FromResult(res))
//		return
//	}
//	// UPDATE … WHERE id = $1 AND version = $2
//
// Package guard does all of this for a whole handler; the command ifmatch
// serves documents of its own.
package ifmatch
