package merge_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/merge"
)

// vector is a case of vectors/merge, which other languages run as well. Its
// README says what the members mean.
type vector struct {
	Name, Shows        string
	Base, Theirs, Mine json.RawMessage
	Policy             vectorPolicy
	Writers            vectorWriters
	Value              json.RawMessage
	Text               string
	Decisions          []vectorDecision
	Disputes           []vectorDispute
	Breaches           []vectorBreach
	Refused            string
}

type vectorPolicy struct {
	Fields   []vectorField
	Together []vectorGroup
	Detect   *[]string
}

type vectorField struct {
	Path, Type, Key string
	Min, Max        json.Number
	OnConflict      vectorRule `json:"on_conflict"`
	By              string
}

// vectorRule is a word, or a list of roles.
type vectorRule struct {
	Rule      merge.Rule
	Authority []string
}

func (r *vectorRule) UnmarshalJSON(text []byte) error {
	if text[0] == '"' {
		return json.Unmarshal(text, &r.Rule)
	}
	r.Rule = merge.RuleAuthority
	return strictly(text, &struct{ Authority *[]string }{&r.Authority})
}

// vectorGroup is a list of pointers, or an object with a rule of its own.
type vectorGroup struct {
	Fields     []string
	OnConflict vectorRule `json:"on_conflict"`
	By         string
}

func (g *vectorGroup) UnmarshalJSON(text []byte) error {
	if text[0] == '[' {
		return json.Unmarshal(text, &g.Fields)
	}
	type plain vectorGroup
	return strictly(text, (*plain)(g))
}

type vectorWriters struct {
	Mine   []string
	Theirs []struct {
		Path  string
		Roles []string
	}
}

type vectorDecision struct{ Path, Winner, Rule string }

type vectorDispute struct {
	Path                    string
	Key, Base, Theirs, Mine json.RawMessage
	Together                []string
	Rule, Reason            string
}

type vectorBreach struct {
	Path    string
	Removed bool
}

func strictly(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func (p *vectorPolicy) rules() merge.Rules {
	rules := merge.Rules{}
	if p.Detect != nil {
		rules.IgnoreValues = !slices.Contains(*p.Detect, "value")
		rules.IgnoreStructure = !slices.Contains(*p.Detect, "structure")
	}
	for _, f := range p.Fields {
		rules.Fields = append(rules.Fields, merge.Field{
			Path: f.Path, Type: merge.Type(f.Type), Key: f.Key, Min: f.Min.String(), Max: f.Max.String(),
			OnConflict: merge.OnConflict{Rule: f.OnConflict.Rule, By: f.By, Authority: f.OnConflict.Authority},
		})
	}
	for _, g := range p.Together {
		rules.Together = append(rules.Together, merge.Group{
			Paths: g.Fields, OnConflict: merge.OnConflict{Rule: g.OnConflict.Rule, By: g.By, Authority: g.OnConflict.Authority},
		})
	}
	return rules
}

func (w *vectorWriters) writers(t *testing.T) merge.Writers {
	who := merge.Writers{Mine: w.Mine}
	for _, a := range w.Theirs {
		path, err := jsonvalue.ParsePointer(a.Path)
		if err != nil {
			t.Fatal(err)
		}
		who.Theirs = append(who.Theirs, merge.Authorship{Path: path, Roles: a.Roles})
	}
	return who
}

// document parses a member of a case; one that is missing is absent.
func document(t *testing.T, text json.RawMessage) jsonvalue.Value {
	if len(text) == 0 {
		return jsonvalue.Value{}
	}
	return parse(t, string(text))
}

func TestVectors(t *testing.T) {
	files, err := filepath.Glob("../vectors/merge/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	cases := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var vectors struct {
			About string
			Cases []vector
		}
		if err := strictly(text, &vectors); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		cases += len(vectors.Cases)
		for _, c := range vectors.Cases {
			t.Run(filepath.Base(file)+"/"+c.Name, c.run)
		}
	}
	if cases < 170 {
		t.Errorf("only %d cases", cases)
	}
}

func (c *vector) run(t *testing.T) {
	policy, err := merge.Compile(c.Policy.rules())
	if c.Refused != "" {
		var refused *merge.RuleError
		if !errors.As(err, &refused) || refused.Key != c.Refused {
			t.Fatalf("Compile fails with %v, want a *RuleError about %s", err, c.Refused)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	base, theirs, mine := document(t, c.Base), document(t, c.Theirs), document(t, c.Mine)
	r := merge.Three(base, theirs, mine, policy, c.Writers.writers(t))
	if c.Text != "" && text(r.Value) != c.Text {
		t.Errorf("got  %s\nwant %s", text(r.Value), c.Text)
	}
	if want := document(t, c.Value); c.Text == "" && !jsonvalue.Equal(r.Value, want) {
		t.Errorf("got %s, want %s", text(r.Value), text(want))
	}
	c.checkDecisions(t, r.Decisions)
	c.checkDisputes(t, r.Disputes)
	c.checkBreaches(t, policy.Breaches(base, mine))
}

func (c *vector) checkBreaches(t *testing.T, got iter.Seq[merge.Breach]) {
	var breaches []vectorBreach
	for b := range got {
		breaches = append(breaches, vectorBreach{b.Path.String(), b.Removed})
	}
	if !slices.Equal(breaches, c.Breaches) {
		t.Errorf("breaches %v, want %v", breaches, c.Breaches)
	}
}

func (c *vector) checkDecisions(t *testing.T, got []merge.Decision) {
	var decisions []vectorDecision
	for _, d := range got {
		decisions = append(decisions, vectorDecision{d.Path.String(), string(d.Winner), d.Rule})
	}
	if !slices.Equal(decisions, c.Decisions) {
		t.Errorf("decisions %v, want %v", decisions, c.Decisions)
	}
}

func (c *vector) checkDisputes(t *testing.T, got []merge.Dispute) {
	if len(got) != len(c.Disputes) {
		t.Fatalf("%d disputes %v, want %d", len(got), got, len(c.Disputes))
	}
	for i, d := range got {
		want := c.Disputes[i]
		var together []string
		for _, p := range d.Together {
			together = append(together, p.String())
		}
		if d.Path.String() != want.Path || string(d.Rule) != want.Rule || d.Reason != want.Reason || !slices.Equal(together, want.Together) {
			t.Errorf("dispute %q %v by %s: %s; want %+v", d.Path.String(), together, d.Rule, d.Reason, want)
		}
		for _, v := range []struct {
			name string
			got  jsonvalue.Value
			want json.RawMessage
		}{{"key", d.Key, want.Key}, {"base", d.Base, want.Base}, {"theirs", d.Theirs, want.Theirs}, {"mine", d.Mine, want.Mine}} {
			if !jsonvalue.Equal(v.got, document(t, v.want)) {
				t.Errorf("dispute %q: %s is %s, want %s", d.Path.String(), v.name, text(v.got), text(document(t, v.want)))
			}
		}
	}
}
