package policy

import (
	"github.com/goccy/go-yaml"
)

// Access says who may do what to the documents of a collection: an expression for
// each action. One that is "" is everybody's; with Auth none is.
type Access struct {
	Read, Create, Write, Delete, History, Resolve, Audit string
}

const byDefaultDenied = "everybody without `auth`, nobody with it"

func accessKey(name, doc string) *key {
	return &key{name: name, kind: kindRule, optional: true, defDoc: byDefaultDenied, doc: doc + " An expression like `access`."}
}

var accessKeys = []*key{
	accessKey("read", "Who may read a document, and sees it in lists. To anybody else it is as if it were not there, where the expression is about `resource`. To change, delete or decide about what is there takes this too, since the answers tell of it."),
	accessKey("create", "Who may make a document where there is none: with POST, PUT or a contribution. `resource` is what it would be."),
	accessKey("write", "Who may change a document that is there: with PUT, PATCH or contributions. It is asked about what is there and about what would be, and has to allow both."),
	accessKey("delete", "Who may delete a document."),
	accessKey("history", "Who, of those who may read the document, may read its history, its versions and their differences."),
	accessKey("resolve", "Who, of those who may read the document, may see the writes that are parked of it and decide about them, as far as `may_resolve` lets them. It is asked about what is there and about what the decision would make of it."),
	accessKey("audit", "Who may see at `/_/api/audit` what was done to a document, by whom, and when; no values. It does not take `read`: who may not read the document is not told the fields that a merge decided about."),
}

// accessOf returns who may do what to a collection's documents: what the block of v
// says, else that of all, which stands at the top.
func (d *decoder) accessOf(v, all *value, c *Collection, denied bool) Access {
	if !v.set {
		v = all
	}
	before := len(d.errs)
	var a Access
	for i, expression := range a.each() {
		from := v
		if v.members != nil {
			from = v.get(accessKeys[i].name)
		}
		if *expression = from.text; from.text != "" && len(d.errs) == before { // else the same is wrong with it again
			d.rule(from, c)
		}
	}
	if denied {
		a.deny()
	}
	return a
}

// each returns the expressions, in the order of accessKeys.
func (a *Access) each() [7]*string {
	return [7]*string{&a.Read, &a.Create, &a.Write, &a.Delete, &a.History, &a.Resolve, &a.Audit}
}

// deny gives nobody what the file says nothing about.
func (a *Access) deny() {
	for _, expression := range a.each() {
		if *expression == "" {
			*expression = "false"
		}
	}
}

// Denied tells whether nobody may do anything, as where callers are authenticated and
// the file does not say what they may do.
func (a *Access) Denied() bool {
	for _, expression := range a.each() {
		if *expression != "false" {
			return false
		}
	}
	return true
}

// accessMembers returns who may do what as it stands in a policy file.
func (c *Collection) accessMembers() yaml.MapSlice {
	var members yaml.MapSlice
	for i, expression := range c.Access.each() {
		if *expression != "" {
			members = append(members, yaml.MapItem{Key: accessKeys[i].name, Value: *expression})
		}
	}
	if members == nil {
		return nil
	}
	return yaml.MapSlice{{Key: "access", Value: members}}
}
