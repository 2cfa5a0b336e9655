package httpapi

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/ifmatch/ifmatch/internal/access"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Authority says what only some callers of a collection may do. The parameters of
// its rules are those of the collection's path, and its id; of a collection by
// default they are its name and the id.
type Authority struct {
	// Access says who may do what to documents; nil is everybody everything.
	Access *Access
	// Overwrite says who may overwrite; nil is everybody.
	Overwrite *access.Rule
	// Resolve says who may settle a conflict over a field: it has an entry for each of
	// the fields of the rules' Merge, nil for whoever may by the field around it. It
	// is nil where no field has one.
	Resolve []*access.Rule
	// Read says who sees what: it has a rule for each path of the rules' Readers.
	Read []*access.Rule

	named bool // the collection's name is a parameter
}

// Access has the rule for each action on the documents of a collection, nil for one
// that everybody may do.
type Access [engine.Actions]*access.Rule

// Reserved returns what the engine has to ask an authority about.
func (a *Authority) Reserved() engine.Reserved {
	if a == nil {
		return engine.Reserved{}
	}
	r := engine.Reserved{Overwriting: a.Overwrite != nil, Access: a.Access != nil}
	if r.Access {
		for action, rule := range a.Access {
			if engine.Action(action) != engine.ActAudit { // which no request for a document asks
				r.Documents = r.Documents || rule != nil && rule.LooksAtResource()
			}
		}
	}
	for _, rule := range a.Resolve {
		var of engine.Resolvers
		if rule != nil {
			of = engine.Resolvers{Only: true, Roles: rule.Roles()}
		}
		r.Fields = append(r.Fields, of)
	}
	return r
}

// byDefault returns a for a collection whose name stands in its path.
func (a *Authority) byDefault() *Authority {
	if a == nil {
		return nil
	}
	named := *a
	named.named = true
	return &named
}

// caller is who makes a request, as a collection's rules judge it.
type caller struct {
	rules    *Authority
	question access.Question // without a resource
	server   *Server
	request  *http.Request
	told     bool // the log has it that a rule has no answer
	before   [engine.Actions]early
}

// early is what a rule about access says before there is a document, once it was asked.
type early struct {
	asked  bool
	answer engine.Answer
}

// authorize gives the target of a request its caller's authority, where there is
// something to ask it.
func (s *Server) authorize(r *http.Request, t *door.Target, rules *Authority) {
	if rules == nil || rules.Access == nil && rules.Read == nil && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return
	}
	c := &caller{rules: rules, server: s, request: r}
	c.question = access.Question{Params: valuesOf(&t.Ref, rules.named), Method: r.Method, Path: t.Path}
	if s.auth != nil {
		c.question.Principal, _ = s.auth.identify(r) // who is not known has been refused before
	}
	t.Authority = c
}

// May implements engine.Authority.
func (c *caller) May(action engine.Action, document jsonvalue.Value) engine.Answer {
	rule := c.rules.Access[action]
	if rule == nil {
		return engine.Yes
	}
	if !document.IsAbsent() {
		if c.allowed(rule, action.String(), document) {
			return engine.Yes
		}
		return engine.No
	}
	before := &c.before[action]
	if !before.asked {
		allowed, known, err := rule.Before(&c.question)
		c.noAnswer(action.String(), err)
		switch before.asked = true; {
		case !known:
			before.answer = engine.Depends
		case allowed:
			before.answer = engine.Yes
		}
	}
	return before.answer
}

// MayOverwrite implements engine.Authority.
func (c *caller) MayOverwrite(current jsonvalue.Value) bool {
	return c.allowed(c.rules.Overwrite, "overwrite", current)
}

// MayResolve implements engine.Authority.
func (c *caller) MayResolve(field int, current jsonvalue.Value) bool {
	return c.allowed(c.rules.Resolve[field], "may_resolve", current)
}

// MayRead implements engine.Authority.
func (c *caller) MayRead(path int, current jsonvalue.Value) bool {
	return c.allowed(c.rules.Read[path], "read", current)
}

// allowed asks a rule. A rule that has no answer allows nothing, and whoever wrote
// it is told why.
func (c *caller) allowed(rule *access.Rule, key string, current jsonvalue.Value) bool {
	q := c.question
	q.Resource = current
	allowed, err := rule.Allows(&q)
	c.noAnswer(key, err)
	return allowed
}

// noAnswer tells in the log that the rule under a key has no answer, if it has none:
// once for a request.
func (c *caller) noAnswer(key string, err error) {
	if log := c.server.door.Log; err != nil && log != nil && !c.told {
		c.told = true
		log.LogAttrs(c.request.Context(), slog.LevelWarn, "a rule has no answer, and so allows nothing",
			slog.String("rule", key), slog.String("method", c.question.Method), slog.String("path", c.question.Path), slog.Any("cause", err))
	}
}

// valuesOf returns what the path of a document has for its parameters: the
// collection's name, if it is one, the others and the id. They are names, and need
// no escape in a path.
func valuesOf(ref *store.Ref, named bool) []string {
	var values []string
	if named {
		values = append(values, ref.Part.Collection)
	}
	if ref.Part.Params != "" {
		values = append(values, strings.Split(ref.Part.Params, "/")...)
	}
	return append(values, ref.ID)
}
