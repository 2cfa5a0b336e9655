package policy

import (
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

const claimForm fault = "must be a text, a whole number, true or false, or a list of these"

// claims reads a mapping of names of the file's own choice.
func (d *decoder) claims(n ast.Node, path string, at position) *value {
	v := &value{at: at, path: path, set: true}
	m, ok := n.(*ast.MappingNode)
	switch {
	case !ok:
		d.fail(at, path, "must be a block of claims, as in {org: acme}")
		return v
	case len(m.Values) == 0:
		d.fail(at, path, "must not be empty; remove the key to have none")
		return v
	}
	v.claims = make(map[string]any, len(m.Values))
	for _, member := range m.Values {
		name, at := nameOf(member.Key)
		memberPath := join(path, name)
		_, twice := v.claims[name]
		switch {
		case twice:
			d.fail(at, memberPath, "stands twice")
		case name == "" || checkPrincipal(name) != "":
			d.fail(at, path, "the name of a claim is printable text of up to 256 bytes, without spaces around it")
		default:
			v.claims[name] = d.claim(member.Value, memberPath, at)
		}
	}
	return v
}

// claim reads one claim, nil where it is none.
func (d *decoder) claim(n ast.Node, path string, fallback position) any {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		return d.simpleClaim(n, path, fallback)
	}
	all := make([]any, len(list.Values))
	for i, element := range list.Values {
		all[i] = d.simpleClaim(element, path+"["+strconv.Itoa(i)+"]", fallback)
	}
	return all
}

func (d *decoder) simpleClaim(n ast.Node, path string, fallback position) any {
	if _, null := n.(*ast.NullNode); !null {
		fallback = where(n)
	}
	bad := foreign(n)
	if bad == "" {
		switch n := n.(type) {
		case *ast.StringNode:
			if bad = checkPrincipal(n.Value); bad == "" {
				return n.Value
			}
		case *ast.BoolNode:
			return n.Value
		case *ast.IntegerNode:
			var number int64
			if number, bad = parseCount(n.Token.Value); bad == "" {
				return number
			}
		default:
			bad = claimForm
		}
	}
	d.fail(fallback, path, bad)
	return nil
}
