package access

import (
	"fmt"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// The names that rules are about.
const (
	principalName = "principal"
	paramsName    = "params"
	resourceName  = "resource"
	requestName   = "request"
)

// The types of these. No expression can spell them, so that none makes values of
// them.
var (
	principalType = cel.ObjectType("@principal")
	paramsType    = cel.ObjectType("@params")
	requestType   = cel.ObjectType("@request")
)

// environment returns CEL with the names that rules are about.
func environment(params []string) (*cel.Env, error) {
	env, err := standard()
	if err != nil {
		return nil, err
	}
	known := &known{Provider: env.CELTypeProvider(), adapter: env.CELTypeAdapter(), params: params}
	return env.Extend(
		cel.CustomTypeAdapter(known), cel.CustomTypeProvider(known),
		cel.Variable(principalName, principalType), cel.Variable(paramsName, paramsType), cel.Variable(requestName, requestType),
		cel.Variable(resourceName, cel.MapType(cel.StringType, cel.DynType)),
	)
}

// known tells CEL what the types of a rule have, and makes its values of ours.
type known struct {
	types.Provider
	adapter types.Adapter
	params  []string
}

// NativeToValue implements types.Adapter.
func (k *known) NativeToValue(native any) ref.Val {
	if v, ok := native.(jsonvalue.Value); ok {
		return valueOf(v)
	}
	return k.adapter.NativeToValue(native)
}

// FindStructType implements types.Provider.
func (k *known) FindStructType(name string) (*types.Type, bool) {
	for _, t := range []*types.Type{principalType, paramsType, requestType} {
		if t.TypeName() == name {
			return types.NewTypeTypeWithParam(t), true
		}
	}
	return k.Provider.FindStructType(name)
}

// FindStructFieldNames implements types.Provider.
func (k *known) FindStructFieldNames(name string) ([]string, bool) {
	if fields := k.fieldNames(name); fields != nil {
		return fields, true
	}
	return k.Provider.FindStructFieldNames(name)
}

// fieldNames returns the names that a type has, nil for one that is not ours.
func (k *known) fieldNames(name string) []string {
	switch name {
	case principalType.TypeName():
		return []string{"name", "roles", "claims"}
	case paramsType.TypeName():
		return slices.Clone(k.params)
	case requestType.TypeName():
		return []string{"method", "path"}
	}
	return nil
}

// FindStructFieldType implements types.Provider.
func (k *known) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	switch name {
	case principalType.TypeName():
		return k.ofPrincipal(field), true
	case paramsType.TypeName():
		i := slices.Index(k.params, field)
		return always(types.StringType, func(q *Question) any { return q.Params[i] }), i >= 0
	case requestType.TypeName():
		switch field {
		case "method":
			return always(types.StringType, func(q *Question) any { return q.Method }), true
		case "path":
			return always(types.StringType, func(q *Question) any { return q.Path }), true
		}
		return nil, false
	}
	return k.Provider.FindStructFieldType(name, field)
}

// always describes a field that is there whatever is asked.
func always[T any](t *types.Type, get func(T) any) *types.FieldType {
	return &types.FieldType{
		Type:    t,
		IsSet:   func(any) bool { return true },
		GetFrom: func(of any) (any, error) { return get(of.(T)), nil },
	}
}

// ofPrincipal describes a field of principals. What is not one is a claim.
func (k *known) ofPrincipal(field string) *types.FieldType {
	switch field {
	case "name":
		return always(types.StringType, func(p *Principal) any { return p.Name })
	case "roles":
		return always(types.NewListType(types.StringType), func(p *Principal) any { return p.Roles })
	case "claims":
		return always(types.NewMapType(types.StringType, types.DynType), func(p *Principal) any { return types.NewStringInterfaceMap(k, p.Claims) })
	}
	return &types.FieldType{
		Type:  types.DynType,
		IsSet: func(of any) bool { _, there := of.(*Principal).Claims[field]; return there },
		GetFrom: func(of any) (any, error) {
			claim, there := of.(*Principal).Claims[field]
			if !there {
				return nil, fmt.Errorf("the principal has no claim %q", field)
			}
			return claim, nil
		},
	}
}

// NewValue implements types.Provider.
func (k *known) NewValue(name string, fields map[string]ref.Val) ref.Val {
	if k.fieldNames(name) != nil {
		return types.NewErr("no value of %s can be made", name)
	}
	return k.Provider.NewValue(name, fields)
}

// activation gives a question's names their values.
type activation Question

var nobody Principal

// ResolveName implements cel.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	switch name {
	case principalName:
		if a.Principal == nil {
			return &nobody, true
		}
		return a.Principal, true
	case paramsName, requestName:
		return (*Question)(a), true
	case resourceName:
		return a.Resource, !a.Resource.IsAbsent()
	}
	return nil, false
}

// Parent implements cel.Activation.
func (a *activation) Parent() cel.Activation { return nil }
