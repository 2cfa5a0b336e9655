package access

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// RuleError says what is wrong with an expression.
type RuleError struct {
	// Line and Column are where in the expression. Both count from 1, columns in
	// code points.
	Line, Column int

	message string
}

// Error returns the place and the message.
func (e *RuleError) Error() string {
	return fmt.Sprintf("access: line %d, column %d: %s", e.Line, e.Column, e.message)
}

// Message says what is wrong and what would be valid, without the place.
func (e *RuleError) Message() string { return e.message }

func faultAt(at common.Location, format string, args ...any) *RuleError {
	return &RuleError{Line: max(at.Line(), 1), Column: max(at.Column(), 0) + 1, message: fmt.Sprintf(format, args...)}
}

// check parses an expression and makes sure that it can be a rule.
func check(env *cel.Env, text string, params []string) (*cel.Ast, *RuleError) {
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		return nil, faultAt(first.Location, `%s; a rule is an expression in CEL, as in "editor" in principal.roles`, strings.TrimPrefix(first.Message, "Syntax error: "))
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		c := checker{env: env, params: params, blamed: exprOf(parsed.NativeRep().Expr(), first.ExprID)}
		return nil, faultAt(first.Location, "%s", c.explain(first.Message))
	}
	if bad := literals(checked.NativeRep()); bad != nil {
		return nil, bad
	}
	if t := checked.OutputType(); !t.IsExactType(types.BoolType) {
		hint := "compare it with something"
		if t.IsExactType(types.DynType) {
			hint = "its kind is only known when it is there, so compare it, as in == true"
		}
		return nil, faultAt(common.NewLocation(1, 0), "the result is %s and must be true or false; %s", t, hint)
	}
	if least, err := env.EstimateCost(checked, prices{}); err != nil || least.Min > maxCost {
		return nil, faultAt(common.NewLocation(1, 0), "costs more than a rule may, whatever it is asked; go through less")
	}
	return checked, nil
}

// exprOf returns the part of an expression that has an id, nil for none.
func exprOf(root ast.Expr, id int64) ast.Expr {
	var found ast.Expr
	ast.PostOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		if e.ID() == id {
			found = e
		}
	}))
	return found
}

// checker explains why a part of an expression means nothing.
type checker struct {
	env    *cel.Env
	params []string
	blamed ast.Expr // nil where it is not known
}

// explain returns what is wrong and what would be valid. Said is what CEL says.
func (c *checker) explain(said string) string {
	if c.blamed == nil {
		return said
	}
	switch c.blamed.Kind() {
	case ast.IdentKind:
		return fmt.Sprintf("there is no %s; a rule is about principal, params, resource and request", c.blamed.AsIdent())
	case ast.SelectKind:
		return c.explainField(said)
	case ast.CallKind:
		return c.explainCall(said)
	}
	return said
}

func (c *checker) explainField(said string) string {
	sel := c.blamed.AsSelect()
	if sel.Operand().Kind() != ast.IdentKind {
		return said
	}
	has := ""
	switch of := sel.Operand().AsIdent(); {
	case of == requestName:
		has = "it has method and path"
	case of == paramsName && len(c.params) == 0:
		has = "the path has no parameters"
	case of == paramsName:
		has = "the path has " + strings.Join(c.params, ", ")
	default:
		return said
	}
	return fmt.Sprintf("there is no %s.%s; %s", sel.Operand().AsIdent(), sel.FieldName(), has)
}

func (c *checker) explainCall(said string) string {
	name := c.blamed.AsCall().FunctionName()
	switch {
	case name == operators.Map || name == operators.Filter:
		return name + " is not for rules, as what it costs cannot be bounded; use exists, exists_one or all"
	case !c.env.HasFunction(name):
		return fmt.Sprintf("there is no function %s; rules have those of the standard of CEL, such as startsWith, matches and size", name)
	}
	return said + "; compare and combine values of one kind, which int(), double() and string() convert to"
}

// maxExact is up to where every whole number is a double.
const maxExact = 1 << 53

// literals finds what cannot stand in a rule though it is CEL: patterns that are
// only known when the rule is asked, since compiling one may cost much, and
// numbers that are not what they look like.
func literals(a *ast.AST) *RuleError {
	var bad *RuleError
	ast.PostOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		at := a.SourceInfo().GetStartLocation(e.ID())
		switch e.Kind() {
		case ast.LiteralKind:
			if d, ok := e.AsLiteral().(types.Double); ok && math.Abs(float64(d)) >= maxExact && bad == nil {
				bad = faultAt(at, "%s may not be exactly what is meant; write a whole number without a point or an exponent", strconv.FormatFloat(float64(d), 'g', -1, 64))
			}
		case ast.CallKind:
			if call := e.AsCall(); call.FunctionName() == overloads.Matches && bad == nil {
				bad = pattern(at, call)
			}
		}
	}))
	return bad
}

// pattern judges the last argument of a call of matches.
func pattern(at common.Location, call ast.CallExpr) *RuleError {
	last := call.Args()[len(call.Args())-1]
	var text types.String
	if last.Kind() == ast.LiteralKind {
		text, _ = last.AsLiteral().(types.String)
	}
	if text == "" {
		return faultAt(at, `the pattern of matches must stand in the rule, as in matches("^a+$")`)
	}
	if _, err := regexp.Compile(string(text)); err != nil {
		return faultAt(at, "the pattern of matches cannot be used, %v; it has the syntax of RE2", err)
	}
	return nil
}

// rolesOf returns the roles that an expression asks for if it does nothing else,
// else nil.
func rolesOf(e ast.Expr) []string {
	if e.Kind() != ast.CallKind {
		return nil
	}
	args := e.AsCall().Args()
	switch e.AsCall().FunctionName() {
	case operators.LogicalOr:
		var roles []string
		for _, arg := range args {
			more := rolesOf(arg)
			if more == nil {
				return nil
			}
			roles = append(roles, more...)
		}
		slices.Sort(roles)
		return slices.Compact(roles)
	case operators.In:
		if role := args[0]; role.Kind() == ast.LiteralKind && isRoles(args[1]) {
			return []string{string(role.AsLiteral().(types.String))} // as the elements are texts
		}
	}
	return nil
}

func isRoles(e ast.Expr) bool {
	if e.Kind() != ast.SelectKind {
		return false
	}
	sel := e.AsSelect()
	return sel.FieldName() == "roles" && sel.Operand().Kind() == ast.IdentKind && sel.Operand().AsIdent() == principalName
}

// mentions tells whether a name stands in an expression.
func mentions(e ast.Expr, name string) bool {
	found := false
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		found = found || e.Kind() == ast.IdentKind && e.AsIdent() == name
	}))
	return found
}

// constantOf returns what an expression says that is nothing but true or false, else
// nil.
func constantOf(e ast.Expr) *bool {
	if e.Kind() != ast.LiteralKind {
		return nil
	}
	says := e.AsLiteral().Value() == true
	return &says
}
