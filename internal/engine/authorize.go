package engine

import (
	"errors"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// asks returns what an operation does to a document that is there.
func (o Op) asks() Action {
	switch o {
	case OpDelete:
		return ActDelete
	case OpResolve, OpDiscard:
		return ActResolve
	case OpCheck:
		return ActRead
	}
	return ActWrite
}

// creates tells of the operations that make a document where there is none.
func (o Op) creates() bool { return o == OpPut || o == OpContribute }

// authorize refuses a write whose caller may not make it of the document as loaded.
// To change what is there takes reading it too, since every answer tells of it.
func (w *write) authorize() error {
	in := w.intent
	if !in.Rules.Reserved.Access {
		return nil
	}
	read, err := in.Rules.permitted(in.Authority, ActRead, w.currentValue)
	if err != nil {
		return w.failed(err)
	}
	switch {
	case in.posted, in.Op.creates() && !w.current.Exists(): // what would be made is judged when it is known
		return in.Rules.barred(in.Authority, []Action{ActCreate})
	case in.Op.creates() && read != Yes: // as where nothing is, and they may not create
		return forbiddenTo(ActCreate)
	case read == No && in.Rules.MayRead(in.Authority) == No:
		return forbiddenTo(ActRead)
	case read != Yes:
		return unknown()
	case !w.current.Exists(), in.Op == OpPut && in.Conditions.IfNoneMatch.Any(): // these are refused for that
		return nil
	}
	return w.authorizeAs(in.Op.asks(), w.currentValue)
}

// authorizeResult refuses a write that would leave what its caller may not make: a
// document that they could not have changed either, or created.
func (w *write) authorizeResult(p *plan) error {
	if !w.intent.Rules.Reserved.Access || !p.writesBody() {
		return nil
	}
	action := w.intent.Op.asks()
	if !w.current.Exists() {
		action = ActCreate
	}
	err := w.authorizeAs(action, func() (jsonvalue.Value, error) { return p.candidate.value, nil })
	if err != nil && w.current.Exists() {
		return forbiddenAs("You may change this document, but may not make of it what you have sent.")
	}
	return err
}

func (w *write) authorizeAs(action Action, document func() (jsonvalue.Value, error)) error {
	answer, err := w.intent.Rules.permitted(w.intent.Authority, action, document)
	switch {
	case err != nil:
		return w.failed(err)
	case answer != Yes:
		return forbiddenTo(action)
	}
	return nil
}

// discreet takes out of a refusal that there was a document, where it depended on that
// whether its caller might know of it.
func (w *write) discreet(err error) error {
	r, ok := errors.AsType[*Refusal](err)
	if !ok || r.Current == nil || !r.Current.Deleted || w.intent.Rules.MayRead(w.intent.Authority) == Yes {
		return err
	}
	told := *r
	told.Current = &store.Document{Head: store.Head{Ref: r.Current.Ref}}
	return &told
}

// writesBody tells whether a plan gives its document content.
func (p *plan) writesBody() bool {
	return p.content == store.ContentBody && !p.unchanged && p.parked == nil
}
