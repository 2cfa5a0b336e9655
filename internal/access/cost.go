package access

import (
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// prices says what a call costs where CEL takes it for cheap: it does not look
// into lists that it compares, nor at texts whose kind it did not know.
type prices struct{}

var (
	_ cost.ActualCostEstimator = prices{}
	_ cost.Estimator           = prices{}
)

// CallCost implements cost.ActualCostEstimator.
func (prices) CallCost(function, _ string, args []ref.Val, _ ref.Val) *uint64 {
	price := uint64(1)
	switch function {
	case operators.Equals, operators.NotEquals:
		price = min(weigh(args[0], maxCost), weigh(args[1], maxCost))
	case operators.In:
		price = search(args[0], args[1])
	case "matches", "contains":
		price = length(args[0]) * length(args[1])
	default:
		for _, arg := range args {
			price += length(arg) - 1
		}
	}
	if price == 1 {
		return &one
	}
	return &price
}

// one is what most calls cost. Nobody changes it.
var one uint64 = 1

// EstimateCallCost implements cost.Estimator: a call may be as cheap as CEL says.
//
//nolint:gocritic // the parameters are the interface's
func (prices) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

// EstimateSize implements cost.Estimator: nothing is known of what documents hold.
func (prices) EstimateSize(cost.AstNode) *cost.SizeEstimate { return nil }

// perText is how many bytes of text cost as much as one step.
const perText = 10

// length is what looking at a value costs that is a text or a list, but not at
// what is in the list.
func length(v ref.Val) uint64 {
	switch v := v.(type) {
	case types.String:
		return 1 + uint64(len(v))/perText
	case types.Bytes:
		return 1 + uint64(len(v))/perText
	case traits.Lister:
		return 1 + uint64(v.Size().(types.Int))
	}
	return 1
}

// search is what looking for a value in a list or a map costs.
func search(v, in ref.Val) uint64 {
	list, ok := in.(traits.Lister)
	if !ok {
		return 1
	}
	switch v.(type) {
	case traits.Lister, traits.Mapper:
		return weigh(list, maxCost)
	}
	return uint64(1+list.Size().(types.Int)) * length(v)
}

// weigh is what looking at all of a value costs. It stops beyond most.
func weigh(v ref.Val, most uint64) uint64 {
	switch v := v.(type) {
	case array:
		return weighJSON(v.elems, most)
	case object:
		return weighJSON(v.members, most)
	case traits.Lister:
		sum := uint64(1)
		for it := v.Iterator(); it.HasNext() == types.True && sum <= most; {
			sum += weigh(it.Next(), most-sum)
		}
		return sum
	case traits.Mapper:
		sum := uint64(1)
		for it := v.Iterator(); it.HasNext() == types.True && sum <= most; {
			key := it.Next()
			sum += length(key) + weigh(v.Get(key), most-sum)
		}
		return sum
	}
	return length(v)
}

func weighJSON(v jsonvalue.Value, most uint64) uint64 {
	sum := 1 + uint64(len(v.Text()))/perText
	for _, e := range v.Elems() {
		if sum > most {
			break
		}
		sum += weighJSON(e, most-sum)
	}
	for _, m := range v.Members() {
		if sum > most {
			break
		}
		sum += uint64(len(m.Name))/perText + weighJSON(m.Value, most-sum)
	}
	return sum
}
