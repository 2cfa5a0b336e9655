package contribution

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// What fields are compared by, beside their own values.
const (
	ByConfidence = "confidence"
	ByObservedAt = "observedAt"
)

// Rules say how each field is materialised. A nil *Rules has no rules for single
// fields: the contribution with the highest confidence wins, of equal ones the one
// that was observed last, of these the one that came last.
type Rules struct {
	fields []field
	places *merge.Policy
}

type field struct {
	typ      merge.Type
	key      jsonvalue.Pointer
	min, max jsonvalue.Value
	rank     rank
}

// RuleError says which part of the rules means nothing for contributions, and what
// would do.
type RuleError struct {
	// Group tells that Index counts the groups of fields; else it counts the fields.
	Group bool
	Index int
	// Key is the part of it, in the words of the policy file.
	Key string

	message string
}

// Error returns a sentence that says what is wrong and what would do.
func (e *RuleError) Error() string { return "contribution: " + e.message }

// Message returns the sentence alone.
func (e *RuleError) Message() string { return e.message }

func fault(key, format string, args ...any) *RuleError {
	return &RuleError{Key: key, message: fmt.Sprintf(format, args...)}
}

// Compile makes the rules of a collection ready: paths and types as they are for
// merges, and on_conflict for who wins a field. Of that, highest goes by the
// confidence, or without By by the values themselves, as lowest does; newest goes
// by observedAt; authority lists sources. Reject, like nothing, leaves the field
// to the default. Ties are won by the contribution that came last.
//
// It fails with a [*RuleError] about the first rule that means nothing for
// contributions, else with what [merge.Compile] fails with for [ForMerges].
func Compile(r merge.Rules) (*Rules, error) {
	if len(r.Together) > 0 {
		e := fault("together", "fields of a group would come from several contributions; put them into one object, and give it type: atomic")
		e.Group = true
		return nil, e
	}
	compiled := &Rules{}
	for i := range r.Fields {
		f, err := compileField(&r.Fields[i])
		if err != nil {
			err.Index = i
			return nil, err
		}
		compiled.fields = append(compiled.fields, f)
	}
	var err error
	compiled.places, err = merge.Compile(placed(r))
	return compiled, err
}

func compileField(f *merge.Field) (field, *RuleError) {
	out := field{typ: f.Type}
	if f.Type == merge.Sequence || f.Type == merge.Text {
		return out, fault("type", "%s combines what two writers made of one version, and contributions are made of none; leave it out, and the field is taken whole from the one that wins", f.Type)
	}
	if err := out.compileRank(&f.OnConflict); err != nil {
		return out, err
	}
	// What is wrong with the others is for merge.Compile to say.
	out.key, _ = jsonvalue.ParsePointer(f.Key)
	out.min, _ = jsonvalue.Number(f.Min)
	out.max, _ = jsonvalue.Number(f.Max)
	return out, nil
}

func (out *field) compileRank(o *merge.OnConflict) *RuleError {
	switch o.Rule {
	case "", merge.RuleReject:
		return nil
	case merge.RuleHighest:
		if o.By != "" && o.By != ByConfidence {
			return fault("by", "highest goes by: %s, or without by by the values themselves, where contributions are on", ByConfidence)
		}
	case merge.RuleLowest:
		if o.By != "" {
			return fault("by", "lowest goes by the values themselves where contributions are on; leave by out")
		}
	case merge.RuleNewest:
		if o.By != ByObservedAt {
			return fault("by", "newest goes by: %s where contributions are on", ByObservedAt)
		}
	case merge.RuleAuthority:
		for i, source := range o.Authority {
			if source == "" || slices.Contains(o.Authority[:i], source) {
				return fault("on_conflict", "the source %q under authority is empty or named twice", source)
			}
		}
		if len(o.Authority) == 0 {
			return fault("on_conflict", "authority needs a list of sources, the highest first, such as {authority: [erp, crm]}")
		}
	case merge.RuleTheirs, merge.RuleMine:
		return fault("on_conflict", "%s names a side of a merge, and contributions have none; choose one of %s", o.Rule,
			strings.Join([]string{string(merge.RuleNewest), string(merge.RuleHighest), string(merge.RuleLowest), string(merge.RuleAuthority)}, ", "))
	}
	out.rank = rank{rule: o.Rule, byConfidence: o.By == ByConfidence, authority: o.Authority}
	return nil
}

// placed returns rules that merge.Compile takes, which settle where r does.
func placed(r merge.Rules) merge.Rules {
	fields := slices.Clone(r.Fields)
	for i := range fields {
		if fields[i].OnConflict.Rule != "" {
			fields[i].OnConflict = merge.OnConflict{Rule: merge.RuleReject}
		}
	}
	return merge.Rules{Fields: fields}
}

// ForMerges returns the rules by which two writes of such a document merge: what
// only contributions have settles nothing between them.
func ForMerges(r merge.Rules) merge.Rules {
	r.Fields = slices.Clone(r.Fields)
	for i := range r.Fields {
		if on := &r.Fields[i].OnConflict; on.By == ByConfidence || on.By == ByObservedAt || on.Rule == merge.RuleAuthority {
			*on = merge.OnConflict{Rule: merge.RuleReject}
		}
	}
	return r
}
