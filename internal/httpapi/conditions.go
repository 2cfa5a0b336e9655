package httpapi

import (
	"net/http"
	"strconv"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/problem"
)

// listTag is the collection's tag. It is weak: it tells of any change inside,
// not which bytes a page of it has. It names the store, its epoch and the kind of
// token too, so that a poll across a restart on another store, a restore or a
// change of contract is never told that nothing changed.
func (s *Server) listTag(t door.Target, head int64) string { return s.pageTag(t, head, "") }

// pageTag is listTag with a suffix that tells the pages of a query from those of
// others, and from the collection as a whole.
func (s *Server) pageTag(t door.Target, head int64, suffix string) string {
	info := s.door.Engine.StoreInfo()
	tag := append(make([]byte, 0, 64), `W/"c`...)
	tag = strconv.AppendInt(tag, head, 10)
	tag = append(tag, '.')
	tag = append(tag, info.ID[:min(8, len(info.ID))]...)
	tag = append(tag, '.')
	tag = strconv.AppendInt(tag, info.Epoch, 10)
	tag = append(tag, '.')
	tag = append(tag, t.Rules.Contract.Token.String()...)
	if t.Rules.Contract.Token == ifmatch.TokenSigned { // the tags of items are new with it
		tag = append(append(tag, '.'), t.Rules.Contract.Signer.KeyID()...)
	}
	if t.Rules.Contract.Weak {
		tag = append(tag, ".weak"...)
	}
	tag = append(tag, suffix...)
	return string(append(tag, '"'))
}

// unconditional is the contract of a collection as a whole, which nobody can
// overwrite.
var unconditional = ifmatch.Contract{Precondition: ifmatch.MethodPreconditions{Patch: ifmatch.PreconditionOptional}}

// judge evaluates a request's preconditions against a list that has a tag, and
// which always exists. It answers what they refuse, and then returns false.
func (s *Server) judge(w http.ResponseWriter, r *http.Request, t door.Target, listTag string) (ifmatch.Verdict, bool) {
	tag, err := ifmatch.ParseETag(listTag)
	if err != nil {
		s.door.Refuse(w, r, t, "", err)
		return 0, false
	}
	c := s.door.Conditions(r)
	res := ifmatch.Evaluate(r.Method, c, ifmatch.State{Exists: true, ETag: tag}, unconditional)
	switch res.Verdict {
	case ifmatch.Fresh, ifmatch.NotModified:
		return res.Verdict, true
	case ifmatch.Malformed:
		s.door.Refuse(w, r, t, "", &engine.Refusal{Reason: engine.ReasonMalformed, Condition: c.Malformed})
	default:
		p := &problem.Document{Code: problem.Code(engine.FailedReason(res)), Resource: t.Path, Action: r.Method, CurrentETag: tag.String()}
		p.Status = t.StaleStatus(r, p.Code, res.By)
		p.Detail = "If-None-Match names the state that this collection is in. Leave the header out."
		if res.By == ifmatch.FieldIfMatch {
			p.Detail = "A collection has a weak tag, which If-Match never matches (RFC 9110 §13.1.1). Leave the header out."
		}
		s.door.Problem(w, r, p)
	}
	return res.Verdict, false
}

// create answers a POST to a collection.
func (s *Server) create(w http.ResponseWriter, r *http.Request, t door.Target) {
	s.door.ServeCreate(w, r, t, func() bool {
		if c := s.door.Conditions(r); c.IsZero() {
			return true
		}
		var head int64 // which no list has: who may not read all of it is not told where it stands
		if t.Rules.MayRead(t.Authority) == engine.Yes {
			var err error
			if head, err = s.door.Engine.ListHead(r.Context(), t.Ref.Part); err != nil {
				s.door.Refuse(w, r, t, "", err)
				return false
			}
		}
		_, ok := s.judge(w, r, t, s.listTag(t, head))
		return ok
	})
}
