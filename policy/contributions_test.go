package policy

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/contribution"
	"github.com/ifmatch/ifmatch/merge"
)

func TestContributions(t *testing.T) {
	by := func(rule merge.Rule, what string) merge.OnConflict { return merge.OnConflict{Rule: rule, By: what} }
	sources := merge.OnConflict{Rule: merge.RuleAuthority, Authority: []string{"erp", "crm"}}
	reject := merge.OnConflict{Rule: merge.RuleReject}
	for _, tt := range []struct {
		name, rules string
		want        *Contributions
		merge       []merge.Field
	}{
		{"by default off", "history: off", nil, nil},
		{"off", "contributions: off", nil, nil},
		{"on", "contributions: on", &Contributions{DirectConfidence: "1"}, nil},
		{"in quotes", "contributions: 'on'", &Contributions{DirectConfidence: "1"}, nil},
		{"the digits of a confidence are kept", "contributions: on\n    direct_confidence: 0.50000000000000000001", &Contributions{DirectConfidence: "0.50000000000000000001"}, nil},
		{"sure of nothing", "contributions: on\n    direct_confidence: 0", &Contributions{DirectConfidence: "0"}, nil},
		{"rules of their own",
			"contributions: on\n    fields: [{path: /a, on_conflict: highest, by: confidence}, {path: /b, on_conflict: newest, by: observedAt}, {path: /c, on_conflict: {authority: [erp, crm]}}, {path: /d, on_conflict: highest}, {path: /e, on_conflict: lowest, type: set}]",
			&Contributions{DirectConfidence: "1", Rules: merge.Rules{Fields: []merge.Field{
				{Path: "/a", OnConflict: by(merge.RuleHighest, contribution.ByConfidence)}, {Path: "/b", OnConflict: by(merge.RuleNewest, contribution.ByObservedAt)},
				{Path: "/c", OnConflict: sources}, {Path: "/d", OnConflict: by(merge.RuleHighest, "")}, {Path: "/e", Type: merge.Set, OnConflict: by(merge.RuleLowest, "")}}}},
			[]merge.Field{{Path: "/a", OnConflict: reject}, {Path: "/b", OnConflict: reject}, {Path: "/c", OnConflict: reject},
				{Path: "/d", OnConflict: by(merge.RuleHighest, "")}, {Path: "/e", Type: merge.Set, OnConflict: by(merge.RuleLowest, "")}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("p.yaml", []byte("collections:\n  - name: notes\n    "+tt.rules))
			if err != nil {
				t.Fatal(err)
			}
			c := &p.Collections[0]
			if !reflect.DeepEqual(c.Contributions, tt.want) || !reflect.DeepEqual(c.Merge.Fields, tt.merge) {
				t.Errorf("got %+v, and %+v for merges", c.Contributions, c.Merge.Fields)
			}
			var printed bytes.Buffer
			if err := p.Print(&printed); err != nil {
				t.Fatal(err)
			}
			if again, err := Parse("printed", printed.Bytes()); err != nil || !reflect.DeepEqual(again, p) {
				t.Errorf("what is printed reads as %+v, %v:\n%s", again, err, printed.String())
			}
		})
	}
}

func TestContributionErrors(t *testing.T) {
	const one = "collections:\n  - name: notes\n    " // the next key stands in 3:5
	const on = one + "contributions: on\n    "        // and here in 4:5
	const field = "collections[0].fields[0]"
	for _, tt := range []struct {
		name, file string
		want       []string
	}{
		{"a word that is none", one + "contributions: yes", []string{`3:20: collections[0].contributions: "yes" is not known here; valid are off, on`}},
		{"a confidence that is no number", on + "direct_confidence: high", []string{"4:24: collections[0].direct_confidence: must be a number as JSON writes it, such as -5, 0.1 or 1e3"}},
		{"a confidence in quotes", on + "direct_confidence: '1'", []string{"4:24: collections[0].direct_confidence: must be a number, without quotes"}},
		{"too sure", on + "direct_confidence: 1.01", []string{"4:24: collections[0].direct_confidence: must be a number from 0 to 1"}},
		{"less than unsure", on + "direct_confidence: -0.1", []string{"4:24: collections[0].direct_confidence: must be a number from 0 to 1"}},
		{"a confidence of nothing", one + "direct_confidence: 0.5", []string{
			"3:24: collections[0].direct_confidence: means something only where contributions are on; say contributions: on, or remove it"}},
		{"what only contributions have, without them", one + "fields: [{path: /a, on_conflict: highest, by: confidence}]", []string{
			"3:51: " + field + `.by: "confidence" is not a JSON Pointer such as /updatedAt`}},
		{"sequence and text", on + "fields: [{path: /a, type: sequence}, {path: /b, type: text}]", []string{
			"4:31: " + field + ".type: sequence combines what two writers made of one version, and contributions are made of none",
			"4:59: collections[0].fields[1].type: text combines what two writers"}},
		{"sides", on + "fields: [{path: /a, on_conflict: mine}]", []string{
			"4:38: " + field + ".on_conflict: mine names a side of a merge, and contributions have none; choose one of newest, highest, lowest, authority"}},
		{"by a member", on + "fields: [{path: /a, on_conflict: newest, by: /at}]", []string{"4:50: " + field + ".by: newest goes by: observedAt where contributions are on"}},
		{"by what it does not go by", on + "fields: [{path: /a, on_conflict: highest, by: observedAt}]", []string{"4:51: " + field + ".by: highest goes by: confidence, or without by"}},
		{"a group", on + "together: [[/a, /b]]", []string{"4:16: collections[0].together[0]: fields of a group would come from several contributions; put them into one object, and give it type: atomic"}},
		{"what merges cannot have either", on + "fields: [{path: /a, type: list}]", []string{field + ".key: a list needs a key"}},
		{"a field in what is added", on + "fields: [{path: /_provenance/a}]", []string{"4:21: " + field + ".path: /_provenance/a is a member that the contract adds"}},
		{"a key in what is added", on + "id: {natural_key: [/_provenance]}", []string{"4:24: collections[0].id.natural_key[0]: "}},
		{"a digest in its place", on + "contract: {digest_field: _provenance}", []string{"4:30: collections[0].contract.digest_field: cannot stand in _provenance"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("p", []byte(tt.file))
			lines := strings.Split(strings.TrimSpace(errorText(err)), "\n")
			if len(lines) != len(tt.want) {
				t.Fatalf("refused with\n%v", err)
			}
			for i, line := range lines {
				if line = strings.TrimPrefix(line, "p:"); !strings.Contains(line, tt.want[i]) {
					t.Errorf("%s\nwant %s", line, tt.want[i])
				}
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
