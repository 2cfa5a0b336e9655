package policy

import (
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

type position struct{ line, column int }

// value is what stands in the file under a key, or the key's default. It is
// valid by itself; what values mean to each other is judged later.
type value struct {
	at   position
	path string
	set  bool // it stands in the file

	text     string // of texts and words
	bool     bool
	number   int64
	duration time.Duration
	members  map[string]*value // of a block; nil where a choice is a word
	claims   map[string]any
	list     []*value
	schema   *Schema
}

// decoder reads one file and collects what is wrong with it.
type decoder struct {
	file string
	errs Errors
}

func (d *decoder) fail(at position, path string, bad fault) {
	d.errs = append(d.errs, &Error{File: d.file, Line: at.line, Column: at.column, Key: hideKeys(path), Message: hideKeys(string(bad))})
}

// value reads the node under key k. Fallback is the place to report where the
// node has none of its own.
func (d *decoder) value(n ast.Node, k *key, path string, fallback position) *value {
	at := fallback
	if _, isNull := n.(*ast.NullNode); !isNull {
		at = where(n)
	}
	if bad := foreign(n); bad != "" {
		d.fail(at, path, bad)
		return &value{at: at, path: path, set: true}
	}
	switch k.kind {
	case kindBlock:
		return d.block(n, k, path, at)
	case kindClaims:
		return d.claims(n, path, at)
	case kindSchema:
		return d.schema(n, path, at)
	case kindBlocks:
		form := fault("must be a list of blocks, each of them after a dash")
		if k.short != "" {
			form = fault("must be a list, as in " + k.example)
		}
		return d.each(n, k, path, at, form, func(n ast.Node, path string) *value { return d.element(n, k, path) })
	case kindWords:
		return d.each(n, k, path, at, fault("must be a list, as in ["+strings.Join(k.supportedWords(), ", ")+"]"), func(n ast.Node, path string) *value {
			return d.scalar(n, k, path, where(n))
		})
	case kindTexts:
		return d.each(n, k, path, at, "must be a list of texts, as in [a, b]", func(n ast.Node, path string) *value {
			return d.scalar(n, k, path, where(n))
		})
	case kindChoice, kindRules:
		if _, ok := n.(*ast.MappingNode); ok {
			return d.block(n, k, path, at)
		}
	}
	return d.scalar(n, k, path, at)
}

// foreign refuses what YAML can do and a policy file has no use for.
func foreign(n ast.Node) fault {
	switch n.(type) {
	case *ast.NullNode:
		return "has no value; give it one, or remove the key to have the default"
	case *ast.AnchorNode, *ast.AliasNode:
		return "anchors and aliases are not supported; write the value out"
	case *ast.TagNode:
		return "YAML tags are not supported; write the value alone"
	}
	return ""
}

func (d *decoder) scalar(n ast.Node, k *key, path string, at position) *value {
	text, quoted := "", false
	switch n := n.(type) {
	case *ast.StringNode:
		text = n.Value
		quoted = n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType
	case *ast.LiteralNode:
		text, quoted = n.Value.Value, true
	case *ast.MappingNode, *ast.SequenceNode:
		d.fail(at, path, k.scalarForm())
		return &value{at: at, path: path, set: true}
	default:
		text = n.GetToken().Value
		if k.kind == kindText || k.kind == kindTexts {
			d.fail(at, path, fault("must be a text; write \""+text+"\" in quotes"))
			return &value{at: at, path: path, set: true}
		}
	}
	v, bad := k.parse(text, quoted)
	if bad != "" {
		d.fail(at, path, bad)
	}
	v.at, v.path, v.set = at, path, true
	return &v
}

// scalarForm says what a key wants that got a block or a list.
func (k *key) scalarForm() fault {
	switch k.kind {
	case kindRule:
		return "must be an expression, as in 'true' or '\"editor\" in principal.roles'"
	case kindRules:
		return fault("must be an expression, as in 'true', or a block of " + strings.Join(supported(k.keys), ", "))
	case kindBool:
		return "must be true or false"
	case kindCount:
		return "must be a whole number in plain digits"
	case kindNumber:
		return numberForm
	case kindSize:
		return sizeForm
	case kindDuration:
		return durationForm
	case kindWord, kindWords, kindChoice:
		form := "must be one of " + strings.Join(k.supportedWords(), ", ")
		if k.kind == kindChoice {
			form += ", or a block of " + strings.Join(supported(k.keys), ", ")
		}
		return fault(form)
	case kindTexts:
		return "must be a text; put quotes around one that holds a colon" // which may be read as a block
	}
	return "must be a text"
}

func (d *decoder) each(n ast.Node, k *key, path string, at position, form fault, read func(ast.Node, string) *value) *value {
	v := &value{at: at, path: path, set: true}
	list, ok := n.(*ast.SequenceNode)
	switch {
	case !ok:
		d.fail(at, path, form)
		return v
	case len(list.Values) == 0 && k.kind != kindTexts && !k.none:
		d.fail(at, path, "must not be empty; remove the key to have the default")
		return v
	}
	for i, element := range list.Values {
		elementPath := path + "[" + strconv.Itoa(i) + "]"
		if bad := foreign(element); bad != "" {
			d.fail(where(element), elementPath, bad)
			continue
		}
		v.list = append(v.list, read(element, elementPath))
	}
	return v
}

// block reads a mapping with the keys of k; n is nil for one that is not there.
func (d *decoder) block(n ast.Node, k *key, path string, at position) *value {
	v := &value{at: at, path: path, set: n != nil, members: make(map[string]*value, len(k.keys))}
	if n != nil {
		m, ok := n.(*ast.MappingNode)
		if !ok {
			d.fail(at, path, fault("must be a block with the keys "+strings.Join(supported(k.keys), ", ")))
			return v
		}
		for _, member := range m.Values {
			d.member(member, k, v)
		}
	}
	d.fill(v, k, at)
	return v
}

// element reads one of a list of blocks, or what stands for it.
func (d *decoder) element(n ast.Node, k *key, path string) *value {
	if _, block := n.(*ast.MappingNode); block || k.short == "" {
		return d.block(n, k, path, where(n))
	}
	v := &value{at: where(n), path: path, set: true, members: make(map[string]*value, len(k.keys))}
	for _, member := range k.keys {
		if member.name == k.short {
			v.members[k.short] = d.value(n, member, path, v.at)
		}
	}
	d.fill(v, k, v.at)
	return v
}

// fill gives a block what its file does not say.
func (d *decoder) fill(v *value, k *key, at position) {
	path := v.path
	for _, member := range k.keys {
		if v.members[member.name] != nil || member.later {
			continue
		}
		if member.required {
			d.fail(at, join(path, member.name), "is missing")
		}
		if def := d.fallback(member, join(path, member.name), at); def != nil {
			v.members[member.name] = def
		}
	}
}

func (d *decoder) member(m *ast.MappingValueNode, k *key, into *value) {
	name, at := nameOf(m.Key)
	path := join(into.path, name)
	var known *key
	for _, candidate := range k.keys {
		if candidate.name == name {
			known = candidate
		}
	}
	switch {
	case known == nil:
		d.fail(at, path, fault(unknownKey(name, k.keys)))
	case known.later:
		d.fail(at, path, "not supported by this version")
	case into.members[name] != nil:
		d.fail(at, path, fault("stands twice; the first is on line "+strconv.Itoa(into.members[name].at.line)))
	default:
		into.members[name] = d.value(m.Value, known, path, at)
	}
}

// fallback returns the value of a key that is not there, nil where its default
// depends on other keys.
func (d *decoder) fallback(k *key, path string, at position) *value {
	switch {
	case k.optional || k.required:
		return nil
	case k.def != "":
		v, bad := k.parse(k.def, false)
		if bad != "" {
			panic("policy: the default of " + path + " " + string(bad))
		}
		v.at, v.path = at, path
		return &v
	case k.kind == kindBlock || k.kind == kindChoice:
		return d.block(nil, k, path, at)
	}
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
