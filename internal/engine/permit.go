package engine

import (
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Action is what a caller does to a document, as the rules about access speak of it.
type Action uint8

// The actions.
const (
	ActRead    Action = iota // see the document as it is stored
	ActCreate                // make one where there is none
	ActWrite                 // change one that is there
	ActDelete                // remove it
	ActHistory               // see what it was
	ActResolve               // see the writes that are parked of it, and decide about them
	ActAudit                 // see who has done what to it, and not what it is

	Actions = iota // how many there are
)

var actionNames = [Actions]string{"read", "create", "write", "delete", "history", "resolve", "audit"}

// String returns the name that the action has in policy files.
func (a Action) String() string { return actionNames[a] }

// Answer is what an authority says about an action.
type Answer uint8

// The answers.
const (
	No Answer = iota
	Yes
	Depends // on the document, and none was shown
)

// may asks an authority about an action on a document, absent for none.
func (r *Rules) may(a Authority, action Action, document jsonvalue.Value) Answer {
	switch {
	case !r.Reserved.Access:
		return Yes
	case a == nil:
		return No
	}
	return a.May(action, document)
}

// MayRead asks whether the caller may read documents, whichever they are.
func (r *Rules) MayRead(a Authority) Answer { return r.may(a, ActRead, jsonvalue.Value{}) }

// Admit refuses a caller who may not do what they ask for to any document. Ways are
// what lets them, each by all of its actions. It returns a [*Refusal], nil for none.
func (r *Rules) Admit(a Authority, ways ...[]Action) error {
	if !r.Reserved.Access || len(ways) == 0 {
		return nil
	}
	var first error
	for _, way := range ways {
		barred := r.barred(a, way)
		if barred == nil {
			return nil
		}
		if first == nil {
			first = barred
		}
	}
	return first
}

// barred refuses who may not do one of the actions, whatever it is done to.
func (r *Rules) barred(a Authority, actions []Action) error {
	for _, action := range actions {
		if r.may(a, action, jsonvalue.Value{}) == No {
			return forbiddenTo(action)
		}
	}
	return nil
}

// permitted asks about an action on what current returns, absent for nothing: then
// the answer may be Depends.
func (r *Rules) permitted(a Authority, action Action, current func() (jsonvalue.Value, error)) (Answer, error) {
	answer := r.may(a, action, jsonvalue.Value{})
	if answer != Depends {
		return answer, nil
	}
	document, err := current()
	if err != nil || document.IsAbsent() {
		return Depends, err
	}
	if a.May(action, document) == Yes {
		return Yes, nil
	}
	return No, nil
}

// permit refuses a caller who may not read a document as it is loaded, or not do the
// other actions to it. Where it depends on the document whether they may know of it,
// one that they may not know of is refused like one that is not there.
func (e *Engine) permit(rules *Rules, a Authority, doc *store.Document, also ...Action) error {
	if !rules.Reserved.Access {
		return nil
	}
	var value jsonvalue.Value
	current := func() (jsonvalue.Value, error) {
		if !value.IsAbsent() || !doc.Exists() {
			return value, nil
		}
		var err error
		value, err = e.parseStored(doc.Body)
		return value, err
	}
	if err := rules.barred(a, append([]Action{ActRead}, also...)); err != nil {
		return err
	}
	for i := -1; i < len(also); i++ {
		action := ActRead
		if i >= 0 {
			action = also[i]
		}
		answer, err := rules.permitted(a, action, current)
		switch {
		case err != nil:
			return e.refusalOf(err, nil)
		case answer == Depends, answer == No && action == ActRead:
			return unknown()
		case answer == No:
			return forbiddenTo(action)
		}
	}
	return nil
}

// unknown refuses what is asked of a document that is not there, or that the caller
// may not know of: nothing tells the two apart.
func unknown() *Refusal {
	return &Refusal{Reason: ReasonNotFound, Detail: "There is no document here, or none that you may read. Check the path, or ask whoever runs the server for access."}
}

var forbidden = [Actions]string{
	"You may not read documents here.",
	"You may not put a document here.",
	"You may not change this document.",
	"You may not delete this document.",
	"You may not read the history of this document.",
	"You may not decide about writes that are parked here, nor see them.",
	"You may not see who has done what here.",
}

// forbiddenTo refuses an action.
func forbiddenTo(a Action) *Refusal { return forbiddenAs(forbidden[a]) }

func forbiddenAs(detail string) *Refusal {
	return &Refusal{Reason: ReasonForbidden, Detail: detail + " The access rules of this collection decide that; ask whoever runs the server if you should. Nothing was done."}
}
