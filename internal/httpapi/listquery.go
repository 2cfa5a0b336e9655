package httpapi

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/index"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// listQuery is what a list is asked for.
type listQuery struct {
	paging
	store.ListQuery
	sort   *index.Index // what ListQuery.Sort names; nil for none
	fields *projection  // nil for whole documents
	asked  string       // the value of fields
	plain  bool         // nothing was asked for at all
	uses   []use
}

// use is an index that a parameter goes by.
type use struct {
	parameter string
	index     *index.Index
}

// hidden returns the first parameter that goes by a member which the caller may not
// see in whatever document: order and choice would tell of it. It is "" for none.
func (q *listQuery) hidden(t door.Target) string {
	if len(q.uses) == 0 {
		return ""
	}
	v := t.Rules.View(t.Authority, jsonvalue.Value{})
	for _, u := range q.uses {
		if v.Hides(u.index.Pointer()) {
			return u.parameter
		}
	}
	return ""
}

// maxChoices bounds the values of one .in: a page looks under each of them.
const maxChoices = 100

// parseList reads the query of a list whose collection has these indexes. What is
// not declared, or not a value of what is, is refused: a list that left it out
// would look like an answer.
func (s *Server) parseList(raw string, indexes []*index.Index) (q listQuery, bad string) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, badQuery
	}
	q.plain = raw == ""
	if q.paging, bad = s.paging(values); bad != "" {
		return q, bad
	}
	q.Limit = q.limit
	for _, name := range namesOf(values) {
		switch value := values.Get(name); name {
		case "limit", "cursor":
		case "sort":
			bad = q.parseSort(value, indexes)
		case "fields":
			q.asked = value
			q.fields, bad = parseFields(value, indexes)
		default:
			bad = q.parseFilter(name, value, indexes)
		}
		if bad != "" {
			return q, bad
		}
	}
	return q, ""
}

// declared tells what a list can be filtered and sorted by.
func declared(indexes []*index.Index) string {
	if len(indexes) == 0 {
		return "Nothing is declared to filter or sort this list by."
	}
	names := make([]string, len(indexes))
	for i, x := range indexes {
		names[i] = x.Name() + " (" + string(x.Type()) + ")"
	}
	return "This list can be filtered and sorted by " + strings.Join(names, ", ") + "."
}

func named(name string, indexes []*index.Index) *index.Index {
	for _, x := range indexes {
		if x.Name() == name {
			return x
		}
	}
	return nil
}

func (q *listQuery) parseSort(value string, indexes []*index.Index) (bad string) {
	name, descending := strings.CutPrefix(value, "-")
	q.sort = named(name, indexes)
	if q.sort == nil {
		return "sort is the name of one index, with a - in front for descending, and not " + strconv.Quote(shorten(value)) + ". " + declared(indexes)
	}
	q.Sort, q.Descending = q.sort.ID(), descending
	q.uses = append(q.uses, use{"sort", q.sort})
	return ""
}

// parseFilter reads name=value or name.op=value.
func (q *listQuery) parseFilter(name, value string, indexes []*index.Index) (bad string) {
	x, op := named(name, indexes), ""
	if i := strings.LastIndexByte(name, '.'); x == nil && i >= 0 {
		x, op = named(name[:i], indexes), name[i+1:]
	}
	if x == nil {
		parameters := "limit, cursor, sort, fields or a filter. "
		if len(indexes) == 0 {
			parameters = "limit, cursor and fields. "
		}
		return "There is no query parameter " + strconv.Quote(shorten(name)) + " here. Use " + parameters + declared(indexes)
	}
	if !slices.Contains(index.Ops, op) && x.Name() != name {
		return "There is no filter " + strconv.Quote(shorten(name)) + ". What may follow " + x.Name() + " is ." + strings.Join(index.Ops, ", .") + ", or nothing for equality. " + declared(indexes)
	}
	choices := []string{value}
	if op == "in" {
		choices = strings.Split(value, ",")
	}
	if len(choices) > maxChoices {
		return name + " takes up to " + strconv.Itoa(maxChoices) + " values."
	}
	keys := make([][]byte, len(choices))
	for i, choice := range choices {
		var err error
		if keys[i], err = x.KeyOf(choice); err != nil {
			return name + " takes " + x.Type().Form() + ", and not " + strconv.Quote(choice[:min(len(choice), 255)]) + ". " + declared(indexes)
		}
	}
	q.Where = append(q.Where, condition(x, op, keys))
	q.uses = append(q.uses, use{name, x})
	return ""
}

// condition is what an operator asks of keys in an index; only equality takes more
// than one.
func condition(x *index.Index, op string, keys [][]byte) store.Condition {
	c := store.Condition{Index: x.ID()}
	switch op {
	case "gte":
		c.From = keys[0]
	case "gt":
		c.From = store.Above(keys[0])
	case "lt":
		c.To = keys[0]
	case "lte":
		c.To = store.Above(keys[0])
	default:
		c.In = keys
	}
	return c
}
