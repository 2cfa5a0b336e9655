package policy

import (
	"errors"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// parse returns the file's root node, nil for a file without content.
func (d *decoder) parse(data []byte) ast.Node {
	if len(data) > maxFile {
		d.fail(position{1, 1}, "", "the file is larger than "+fault(formatSize(maxFile)))
		return nil
	}
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		at, message := position{1, 1}, err.Error()
		if bad, ok := errors.AsType[yaml.Error](err); ok {
			message = bad.GetMessage()
			if t := bad.GetToken(); t != nil {
				at = positionOf(t)
			}
		}
		d.fail(at, "", fault("not valid YAML: "+message))
		return nil
	}
	var root ast.Node
	for _, doc := range file.Docs {
		switch {
		case isNothing(doc.Body):
		case root != nil:
			d.fail(where(doc.Body), "", "a policy is one YAML document; remove the --- and what follows")
			return nil
		default:
			root = doc.Body
		}
	}
	return root
}

// isNothing tells of documents that are empty or hold comments only.
func isNothing(n ast.Node) bool {
	switch n.(type) {
	case nil, *ast.CommentGroupNode, *ast.CommentNode:
		return true
	}
	return false
}

func positionOf(t *token.Token) position {
	if t == nil || t.Position == nil {
		return position{1, 1}
	}
	return position{t.Position.Line, t.Position.Column}
}

// where returns the place where a node begins; a block mapping's own token is
// the first colon.
func where(n ast.Node) position {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return where(m.Values[0].Key)
	}
	return positionOf(n.GetToken())
}

// nameOf returns the text of a mapping's key, and where it stands.
func nameOf(n ast.Node) (string, position) {
	if explicit, ok := n.(*ast.MappingKeyNode); ok { // "? name"
		return nameOf(explicit.Value)
	}
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value, where(n)
	}
	return n.GetToken().Value, where(n)
}
