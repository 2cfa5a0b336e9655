package access

import (
	"slices"
	"sync"

	"cel.dev/cel-go/cel"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Rule is an expression in CEL that says whether a caller may do something. It is
// immutable and safe for concurrent use.
//
// It is about these:
//
//	principal  who asks: principal.name, principal.roles, a list of texts, and
//	           principal.claims, a map. Any other name is that of a claim.
//	params     the parameters of the path and the id, texts, each by its name
//	resource   the document as it is stored, a map
//	request    request.method and request.path, as it came
//
// A whole number of a document within the 64 bits of an int is an int, however it
// is spelled. A number with a fraction is a double where that is the number which
// stands there. Any other is an error, since what it would be rounded to could
// decide.
//
// The functions and macros are the standard ones but for map and filter, which
// make lists: what these cost cannot be bounded before it is spent. There is no
// clock and no randomness, so that one question has one answer.
type Rule struct {
	program cel.Program
	roles   []string
	looks   bool  // at the resource
	says    *bool // whatever it is asked; nil where that depends
}

// Question is what a rule is asked.
type Question struct {
	// Principal is who asks, nil for somebody who did not have to say. That one has
	// no name, no roles and no claims.
	Principal *Principal
	// Params are the values of the parameters that the rule was compiled with, in
	// their order.
	Params []string
	// Resource is the document as it is stored, absent for none: a rule that looks at
	// it allows nothing then.
	Resource jsonvalue.Value
	// Method and Path are those of the request, Path as it came.
	Method, Path string
}

// The bounds on a rule. A bound on its cost is reached by documents that make it
// expensive: within a list it may look at each element, within two at fewer.
const (
	maxText    = 4096 // code points
	maxNodes   = 1000
	maxNesting = 100
	maxCost    = 100_000
	maxRegexp  = 10_000 // instructions
)

// standard is CEL as rules have it, without their names.
var standard = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.ClearMacros(), cel.Macros(cel.HasMacro, cel.AllMacro, cel.ExistsMacro, cel.ExistsOneMacro),
		cel.ParserExpressionSizeLimit(maxText), cel.ExpressionNodeLimit(maxNodes), cel.ParserRecursionLimit(maxNesting),
		cel.RegexProgramSizeLimit(maxRegexp),
		cel.ASTValidators(cel.ValidateTimestampLiterals(), cel.ValidateDurationLiterals()),
		cel.DefaultUTCTimeZone(true),
	)
})

// CompileRule makes a rule of an expression that is true or false. Params are the
// names of the parameters that it may mention. It fails with a [*RuleError].
func CompileRule(text string, params ...string) (*Rule, error) {
	env, err := environment(params)
	if err != nil {
		return nil, err
	}
	checked, bad := check(env, text, params)
	if bad != nil {
		return nil, bad
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostTracking(prices{}), cel.CostLimit(maxCost))
	if err != nil {
		return nil, &RuleError{Line: 1, Column: 1, message: "cannot be evaluated: " + err.Error()}
	}
	e := checked.NativeRep().Expr()
	return &Rule{program: program, roles: rolesOf(e), looks: mentions(e, resourceName), says: constantOf(e)}, nil
}

// Allows answers a question. The error says why there is no answer, and goes with
// false: a member that the document does not have, a number that cannot be held
// exactly, values of the wrong kind, a cost beyond the bound.
func (r *Rule) Allows(q *Question) (bool, error) {
	if r.says != nil {
		return *r.says, nil
	}
	result, _, err := r.program.Eval((*activation)(q))
	if err != nil {
		return false, err
	}
	return result.Value() == true, nil
}

// Before answers a question before there is a document, whatever q has for one. Known
// tells whether the answer is the same for every document, as it is where the rest of
// the rule decides: else Allows is to be asked about one. The error is that of Allows.
func (r *Rule) Before(q *Question) (allowed, known bool, err error) {
	without := *q
	without.Resource = jsonvalue.Value{}
	if allowed, err = r.Allows(&without); err != nil && r.looks {
		return false, false, nil
	}
	return allowed, true, err
}

// LooksAtResource tells whether there are documents that the answer may depend on.
func (r *Rule) LooksAtResource() bool { return r.looks }

// Always tells whether the rule is the word true, or one that says nothing else.
func (r *Rule) Always() bool { return r.says != nil && *r.says }

// Roles returns the roles that the rule allows, where it says nothing but that: it
// is "x" in principal.roles, or several of these joined by ||. Else it returns nil.
func (r *Rule) Roles() []string { return slices.Clone(r.roles) }
