package policy

import (
	"github.com/goccy/go-yaml"

	"github.com/ifmatch/ifmatch/internal/contribution"
	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// Contributions say how the documents of a collection are materialised.
type Contributions struct {
	// DirectConfidence is that of writes of the document itself: a number from 0 to 1
	// as the file spells it.
	DirectConfidence string
	// Rules are those of the collection's fields as they stand in the file. For
	// merges of two writes those of Collection.Merge hold.
	Rules merge.Rules
}

// provenanceMember is where bodies show what their places come of.
const provenanceMember = "_provenance"

const (
	contributionsOn  = "on"
	contributionsOff = "off"
)

var contributionKeys = []*key{
	{name: "contributions", kind: kindWord, def: contributionsOff, words: []word{
		{name: contributionsOff, doc: "a document is what was written"},
		{name: contributionsOn, doc: "it is what its contributions make together, which are made under `_contributions` beside it; `?include=provenance` shows under `_provenance` which make what, and a member of that name is never stored"},
	}, doc: "Whether documents are materialised from what several sources say about them. Objects are put together member by member. `set`, `list`, `append` and `counter` combine what all sources have: the elements of all, elements of one key like objects, one behind the other by the time of observation, and the sum. `sequence`, `text` and `together` have no meaning here. Each other field is won by one contribution: by `on_conflict`, which goes by `newest`, `highest`, `lowest` or `authority` over sources, the latest to come among equals; without it, or with `reject`, by the highest confidence, then by the time of observation, then by the time of arrival. A write of the document itself is a contribution of the source `direct`."},
	{name: "direct_confidence", kind: kindNumber, def: "1", doc: "The confidence of writes of the document itself where `contributions` are on, from 0 to 1. A write that does not win every field which it changes is refused with 409, unless it prefers `handling=lenient`."},
}

// contributions returns what a collection's file says about contributions, nil
// where it takes none.
func (d *decoder) contributions(v *value) *Contributions {
	sure, on := v.get("direct_confidence"), v.get("contributions").text == contributionsOn
	n, err := jsonvalue.Number(sure.text)
	switch {
	case err != nil: // reported by itself
	case !contribution.IsConfidence(n):
		d.fail(sure.at, sure.path, "must be a number from 0 to 1")
	case sure.set && !on:
		d.fail(sure.at, sure.path, "means something only where contributions are on; say contributions: on, or remove it")
	}
	if !on {
		return nil
	}
	return &Contributions{DirectConfidence: sure.text}
}

func compileContributions(r merge.Rules) error {
	_, err := contribution.Compile(r)
	return err
}

// checkCompared judges what a rule compares by: a member, or a property of
// contributions, which merges do not have.
func checkCompared(s string) fault {
	if s == contribution.ByConfidence || s == contribution.ByObservedAt {
		return ""
	}
	return checkPointer(s)
}

// contributionsMembers returns the keys as they stand in a policy file.
func (c *Collection) contributionsMembers() yaml.MapSlice {
	if c.Contributions == nil {
		return yaml.MapSlice{{Key: "contributions", Value: contributionsOff}}
	}
	return yaml.MapSlice{
		{Key: "contributions", Value: contributionsOn},
		{Key: "direct_confidence", Value: jsonText(c.Contributions.DirectConfidence)},
	}
}
