package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mergeRun is a run of ifmatch merge in a folder with the files base, theirs,
// mine and policy.yaml, of which those that are "" are not there.
type mergeRun struct {
	name                       string
	base, theirs, mine, policy string
	args                       []string // none: base theirs mine
	stdin                      string
	wantCode                   int
	wantOut, wantErr           string // of standard error, the beginning
	wantMine                   string // "": as before
}

const (
	shortBase   = "{\n  \"a\": 1,\n  \"b\": 1\n}\n"
	shortTheirs = "{\n  \"a\": 2,\n  \"b\": 1\n}\n"
	shortMine   = "{\n  \"a\": 1,\n  \"b\": 2.50\n}\n"
	shortMerged = "{\n  \"a\": 2,\n  \"b\": 2.50\n}\n"
	otherMine   = "{\n  \"a\": 3,\n  \"b\": 2.50\n}\n"
)

func (r *mergeRun) run(t *testing.T) {
	dir := t.TempDir()
	before := make(map[string]string)
	for name, text := range map[string]string{"base": r.base, "theirs": r.theirs, "mine": r.mine, "policy.yaml": r.policy} {
		if text != "" {
			writeFile(t, filepath.Join(dir, name), text)
			before[name] = text
		}
	}
	args := r.args
	if args == nil {
		args = []string{"base", "theirs", "mine"}
	}
	c := program(t, nil, append([]string{"merge"}, args...)...)
	c.Dir = dir
	c.Stdin = strings.NewReader(r.stdin)
	code, out, said := outcome(t, c)
	if code != r.wantCode || out != r.wantOut || !strings.HasPrefix(said, r.wantErr) || r.wantErr == "" && said != "" {
		t.Errorf("code %d, out %q, said %q\nwant %d, %q, %q", code, out, said, r.wantCode, r.wantOut, r.wantErr)
	}
	if r.wantMine != "" {
		before["mine"] = r.wantMine
	}
	holds(t, dir, before)
}

// outcome runs a program and returns its exit code and both of its outputs.
func outcome(t *testing.T, c *exec.Cmd) (code int, out, said string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	_ = c.Run() // the code tells
	if c.ProcessState == nil {
		t.Fatal("the program did not start")
	}
	return c.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

// holds checks that a folder has these files and no others.
func holds(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if is, known := want[e.Name()]; err != nil || !known || string(text) != is {
			t.Errorf("%s holds %q, %v; want %q", e.Name(), text, err, is)
		}
	}
	if len(entries) != len(want) {
		t.Errorf("the folder has %v, want %d files", entries, len(want))
	}
}

func TestMerge(t *testing.T) {
	const dispute = "mine is not merged, and nothing was written: 1 place is disputed\n\n" +
		"/a: both sides changed it\n  base    1\n  theirs  2\n  yours   3\n"
	const disputeJSON = `{"conflicts":[{"path":"/a","base":1,"theirs":2,"yours":3,"rule":"reject","reason":"both-changed"}],"mergeable":false,"decisions":[]}` + "\n"
	for _, tt := range []mergeRun{
		{name: "to standard output", base: shortBase, theirs: shortTheirs, mine: shortMine, wantOut: shortMerged},
		{name: "onto mine", base: shortBase, theirs: shortTheirs, mine: shortMine, args: []string{"base", "theirs", "mine", "-o", "mine"}, wantMine: shortMerged},
		{name: "base is missing", theirs: `{"a":1}`, mine: `{"b":2}`, wantOut: `{"a":1,"b":2}`},
		{name: "base is empty", theirs: `{"a":1}`, mine: `{"b":2}`, args: []string{os.DevNull, "theirs", "mine"}, wantOut: `{"a":1,"b":2}`},
		{name: "base is standard input", theirs: shortTheirs, mine: shortMine, args: []string{"-", "theirs", "mine"}, stdin: shortBase, wantOut: shortMerged},
		{name: "mine is standard input", base: shortBase, theirs: shortTheirs, args: []string{"base", "theirs", "-"}, stdin: shortMine, wantOut: shortMerged},
		{name: "disputed", base: shortBase, theirs: shortTheirs, mine: otherMine, wantCode: conflictCode, wantErr: dispute},
		{name: "disputed, mine is standard input", base: shortBase, theirs: shortTheirs, args: []string{"base", "theirs", "-"}, stdin: otherMine, wantCode: conflictCode, wantErr: "standard input is not merged"},
		{name: "disputed, onto mine", base: shortBase, theirs: shortTheirs, mine: otherMine, args: []string{"base", "theirs", "mine", "-o", "mine", "--name", "notes.json"}, wantCode: conflictCode, wantErr: "notes.json is not merged, and nothing was written: 1 place is disputed\n"},
		{name: "disputed, onto a new file", base: shortBase, theirs: shortTheirs, mine: otherMine, args: []string{"base", "theirs", "mine", "-o", "new"}, wantCode: conflictCode, wantErr: dispute},
		{name: "disputed, as JSON", base: shortBase, theirs: shortTheirs, mine: otherMine, args: []string{"base", "theirs", "mine", "--json"}, wantCode: conflictCode, wantOut: disputeJSON},
		{name: "disputed, as JSON, onto mine", base: shortBase, theirs: shortTheirs, mine: otherMine, args: []string{"base", "theirs", "mine", "--json", "-o", "mine"}, wantCode: conflictCode, wantOut: disputeJSON},
		{name: "as JSON", base: shortBase, theirs: shortTheirs, mine: shortMine, args: []string{"base", "theirs", "mine", "--json"}, wantOut: `{"conflicts":[],"mergeable":true,"decisions":[],"document":{"a":2,"b":2.50}}` + "\n"},
		{name: "as JSON, onto mine", base: shortBase, theirs: shortTheirs, mine: shortMine, args: []string{"base", "theirs", "mine", "--json", "-o", "mine"}, wantOut: `{"conflicts":[],"mergeable":true,"decisions":[]}` + "\n", wantMine: shortMerged},
		{name: "removed and changed", base: `{"a":{"x":1}}`, theirs: `{}`, mine: `{"a":{"x":2}}`, wantCode: conflictCode,
			wantErr: "mine is not merged, and nothing was written: 1 place is disputed\n\n/a: one side removed what the other changed\n  base    {\"x\":1}\n  theirs  (nothing)\n  yours   {\"x\":2}\n"},
		{name: "the document as a whole", theirs: `[1]`, mine: `[2]`, wantCode: conflictCode,
			wantErr: "mine is not merged, and nothing was written: 1 place is disputed\n\nthe document as a whole: both sides changed it\n  base    (nothing)\n  theirs  [1]\n  yours   [2]\n"},
	} {
		t.Run(tt.name, tt.run)
	}
}

// TestMergeUsage: what was not understood has touched nothing.
func TestMergeUsage(t *testing.T) {
	const both = "collections: [{name: notes}, {name: users}]\n"
	for _, tt := range []mergeRun{
		{name: "too few files", args: []string{"base", "theirs"}, wantErr: "ifmatch: error: expected \"<mine>\"\n"},
		{name: "an unknown flag", args: []string{"base", "theirs", "mine", "--ours"}, wantErr: "ifmatch: error: unknown flag --ours"},
		{name: "standard input twice", args: []string{"-", "theirs", "-", "-o", "mine"}, wantErr: "ifmatch: standard input can be one of the three files only; name the others\n"},
		{name: "a collection of no policy", args: []string{"base", "theirs", "mine", "-o", "mine", "--collection", "notes"}, wantErr: "ifmatch: --collection names a collection of a policy file; say which with --policy\n"},
		{name: "roles without a policy", args: []string{"base", "theirs", "mine", "-o", "mine", "--their-roles", "admin"}, wantErr: "ifmatch: --my-roles and --their-roles are for rules that go by authority; say with --policy where they stand\n"},
		{name: "no collection chosen", args: []string{"base", "theirs", "mine", "-o", "mine", "--policy", "policy.yaml"}, policy: both, wantErr: "ifmatch: policy.yaml has several collections; choose one with --collection: notes, users\n"},
		{name: "an unknown collection", args: []string{"base", "theirs", "mine", "-o", "mine", "--policy", "policy.yaml", "--collection", "note"}, policy: both, wantErr: "ifmatch: policy.yaml has no collection \"note\", and no default block; valid are notes, users\n"},
		{name: "no collection chosen beside a default", args: []string{"base", "theirs", "mine", "-o", "mine", "--policy", "policy.yaml"}, policy: "default: {}\ncollections: [{name: notes}]\n", wantErr: "ifmatch: policy.yaml has rules for notes and a default block; choose with --collection\n"},
	} {
		tt.base, tt.theirs, tt.mine, tt.wantCode = shortBase, shortTheirs, shortMine, usageCode
		t.Run(tt.name, func(t *testing.T) {
			if strings.HasPrefix(tt.wantErr, "ifmatch: error:") { // the usage goes to standard output
				tt.wantOut = usageOf(t)
			}
			tt.run(t)
		})
	}
}

// usageOf returns how to call the command.
func usageOf(t *testing.T) string {
	t.Helper()
	out, err := program(t, nil, "merge", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out) + "\n"
}

// TestMergeRefusesInputs: what cannot be read is named with its place, and
// nothing is written.
func TestMergeRefusesInputs(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	onto := []string{"base", "theirs", "mine", "-o", "mine"}
	for _, tt := range []mergeRun{
		{name: "theirs is missing", base: shortBase, mine: shortMine, args: onto, wantErr: "ifmatch: open theirs: no such file or directory\n"},
		{name: "theirs is empty", base: shortBase, mine: shortMine, args: []string{"base", os.DevNull, "mine", "-o", "mine"}, wantErr: "ifmatch: /dev/null:1:1: the JSON text ends too early"},
		{name: "mine is a folder", base: shortBase, theirs: shortTheirs, args: []string{"base", "theirs", ".", "-o", "new"}, wantErr: "ifmatch: read .: is a directory\n"},
		{name: "base is not JSON", base: "{\n  \"a\": 1,\n<<<<<<< ours\n", theirs: shortTheirs, mine: shortMine, args: onto, wantErr: "ifmatch: base:3:1: "},
		{name: "base is white space", base: " \n", theirs: shortTheirs, mine: shortMine, args: onto, wantErr: "ifmatch: base:2:1: the JSON text ends too early"},
		{name: "standard input is not JSON", base: shortBase, mine: shortMine, args: []string{"base", "-", "mine", "-o", "mine"}, stdin: "no", wantErr: "ifmatch: standard input:1:"},
		{name: "a name twice", base: shortBase, theirs: "{\n  \"ä\": {\"a\": 1, \"a\": 2}\n}\n", mine: shortMine, args: append(onto, "--name", "notes.json"), wantErr: `ifmatch: notes.json (theirs):2:17: in "/ä/a": the object has this member name already`},
		{name: "not UTF-8", base: shortBase, theirs: shortTheirs, mine: "{\n\"a\": \"\xff\"}", args: []string{"base", "theirs", "mine", "-o", "base"}, wantErr: "ifmatch: mine:2:"},
		{name: "two documents", base: shortBase, theirs: shortTheirs, mine: "{}\n{}\n", args: onto, wantErr: "ifmatch: mine:2:1: something follows the JSON value"},
		{name: "too deep", base: shortBase, theirs: deep(65), mine: shortMine, args: onto, wantErr: "ifmatch: theirs:1:65: in \"" + strings.Repeat("/0", 20)},
		{name: "an endless exponent", base: shortBase, theirs: `{"a": 1e99999}`, mine: shortMine, args: onto, wantErr: `ifmatch: theirs:1:7: in "/a": the number's exponent is beyond ±10,000`},
		{name: "a bad policy", base: shortBase, theirs: shortTheirs, mine: shortMine, policy: "default:\n  fields:\n    - {path: /a, type: bag}\n", args: append(onto, "--policy", "policy.yaml"), wantErr: "ifmatch: policy.yaml:3:24: "},
		{name: "no policy", base: shortBase, theirs: shortTheirs, mine: shortMine, args: append(onto, "--policy", "none.yaml"), wantErr: "ifmatch: cannot read the policy file: open none.yaml: no such file or directory\n"},
		{name: "a folder that is not there", base: shortBase, theirs: shortTheirs, mine: shortMine, args: []string{"base", "theirs", "mine", "-o", "none/new"}, wantErr: "ifmatch: open none/.ifmatch-"},
	} {
		tt.wantCode = 1
		t.Run(tt.name, tt.run)
	}
	t.Run("too large", func(t *testing.T) {
		dir := t.TempDir()
		huge := filepath.Join(dir, "huge")
		writeFile(t, huge, "")
		if err := os.Truncate(huge, maxMergeInput+1); err != nil {
			t.Fatal(err)
		}
		if said := fails(t, program(t, nil, "merge", huge, huge, huge)); said != "ifmatch: "+huge+" is larger than the 64 MiB that can be merged\n" {
			t.Error(said)
		}
	})
}

func TestMergeRules(t *testing.T) {
	rules := []string{"base", "theirs", "mine", "--policy", "policy.yaml"}
	const authority = "default: {fields: [{path: /a, on_conflict: {authority: [admin, editor]}}]}\n"
	const disputed = "mine is not merged, and nothing was written: 1 place is disputed\n\n/a: both sides changed it, and authority does not settle it\n"
	for _, tt := range []mergeRun{
		{name: "by type", base: `{"n":1,"t":["a"]}`, theirs: `{"n":2,"t":["a","b"]}`, mine: `{"n":4,"t":["c","a"]}`, args: rules,
			policy: "collections: [{name: notes, fields: [{path: /n, type: counter}, {path: /t, type: set}]}]\n", wantOut: `{"n":5,"t":["a","b","c"]}`},
		{name: "of the collection that is named", base: `{"n":1}`, theirs: `{"n":2}`, mine: `{"n":4}`, args: append(rules, "--collection", "b"),
			policy: "collections: [{name: a}, {name: b, fields: [{path: /n, type: counter}]}]\n", wantOut: `{"n":5}`},
		{name: "of the default block", base: `{"n":1}`, theirs: `{"n":2}`, mine: `{"n":4}`, args: append(rules, "--collection", "any"),
			policy: "default: {fields: [{path: /n, type: counter}]}\ncollections: [{name: a}]\n", wantOut: `{"n":5}`},
		{name: "that are also served with merging", base: `{"n":1}`, theirs: `{"n":2}`, mine: `{"n":4}`, args: rules,
			policy: "default: {on_stale: {default: merge}, fields: [{path: /n, type: counter}]}\n", wantOut: `{"n":5}`},
		{name: "that drop theirs", base: shortBase, theirs: shortTheirs, mine: otherMine, args: rules,
			policy: "default: {fields: [{path: /a, on_conflict: mine}]}\n", wantOut: otherMine, wantErr: "mine: /a: both sides changed it, and mine keeps yours\n"},
		{name: "that drop mine, as JSON", base: shortBase, theirs: shortTheirs, mine: otherMine, args: append(rules, "--json", "-o", "mine"),
			policy: "default: {fields: [{path: /a, on_conflict: lowest}]}\n", wantOut: `{"conflicts":[],"mergeable":true,"decisions":[{"path":"/a","winner":"theirs","rule":"lowest"}]}` + "\n", wantMine: shortMerged},
		{name: "my authority", base: `{"a":1}`, theirs: `{"a":2}`, mine: `{"a":3}`, policy: authority,
			args: append(rules, "--my-roles", "viewer,admin", "--their-roles", "editor"), wantOut: `{"a":3}`, wantErr: "mine: /a: both sides changed it, and authority keeps yours\n"},
		{name: "their authority", base: `{"a":1}`, theirs: `{"a":2}`, mine: `{"a":3}`, policy: authority,
			args: append(rules, "--my-roles", "viewer", "--their-roles", "editor"), wantOut: `{"a":2}`, wantErr: "mine: /a: both sides changed it, and authority keeps theirs\n"},
		{name: "equal authority", base: `{"a":1}`, theirs: `{"a":2}`, mine: `{"a":3}`, policy: authority,
			args: append(rules, "--my-roles", "admin", "--their-roles", "admin"), wantCode: conflictCode, wantErr: disputed},
		{name: "authority of nobody", base: `{"a":1}`, theirs: `{"a":2}`, mine: `{"a":3}`, policy: authority, args: rules, wantCode: conflictCode, wantErr: disputed},
		{name: "a group", base: `{"a/b":1,"c":1}`, theirs: `{"a/b":2,"c":1}`, mine: `{"a/b":1,"c":2}`, policy: "default: {together: [[/a~1b, /c]]}\n", args: append(rules, "--json"), wantCode: conflictCode,
			wantOut: `{"conflicts":[{"path":"/a~1b","together":["/a~1b","/c"],"base":{"/a~1b":1,"/c":1},"theirs":{"/a~1b":2,"/c":1},"yours":{"/a~1b":1,"/c":2},"rule":"reject","reason":"together"}],"mergeable":false,"decisions":[]}` + "\n"},
		{name: "an element of a list", base: `{"l":[{"id":"x","v":1}]}`, theirs: `{"l":[{"id":"x","v":2}]}`, mine: `{"l":[{"id":"x","v":3}]}`, policy: "default: {fields: [{path: /l, type: list, key: /id}]}\n", args: rules, wantCode: conflictCode,
			wantErr: "mine is not merged, and nothing was written: 1 place is disputed\n\n/l/0/v (of \"x\"): both sides changed it\n"},
		{name: "depth", base: `{"a":1}`, theirs: `{"a":[[1]]}`, mine: `{"a":1,"b":1}`, policy: "limits: {depth: 2}\n", args: rules, wantCode: 1,
			wantErr: "ifmatch: theirs:1:7: in \"/a/0\": arrays and objects nest too deeply; send a flatter value; limits.depth in a policy file allows more than 2\n"},
	} {
		t.Run(tt.name, tt.run)
	}
}

// TestMergeIsValidated: a merge that would break what holds of a document is
// disputed, but what a side has broken before is not.
func TestMergeIsValidated(t *testing.T) {
	const policy = "default: {fields: [{path: /id, type: immutable}], schema: {type: object, maxProperties: 2, properties: {id: {type: integer}}}}\n"
	args := []string{"base", "theirs", "mine", "--policy", "policy.yaml"}
	for _, tt := range []mergeRun{
		{name: "valid", base: `{"id":1}`, theirs: `{"id":1,"a":1}`, mine: `{"id":1}`, wantOut: `{"id":1,"a":1}`},
		{name: "the schema", base: `{"id":1}`, theirs: `{"id":1,"a":1}`, mine: `{"id":1,"b":1}`, wantCode: conflictCode,
			wantErr: "mine is not merged, and nothing was written: 1 place is disputed\n\nthe document as a whole: merged, it would not keep to the schema: "},
		{name: "the schema, as JSON", args: append(args, "--json"), base: `{"id":1}`, theirs: `{"id":1,"a":1}`, mine: `{"id":1,"b":1}`, wantCode: conflictCode,
			wantOut: `{"conflicts":[{"path":"","base":{"id":1},"theirs":{"id":1,"a":1},"yours":{"id":1,"b":1},"rule":"schema","reason":"both-changed"}],"mergeable":false,"decisions":[],` +
				`"faults":[{"pointer":"","detail":"Must have at most 2 members, and has 3."}]}` + "\n"},
		{name: "a side that is not valid", base: `{"id":"x"}`, theirs: `{"id":"x","a":1}`, mine: `{"id":"x","b":1}`, wantOut: `{"id":"x","a":1,"b":1}`},
		{name: "they changed what is immutable", base: `{"id":1}`, theirs: `{"id":2}`, mine: `{"id":1,"b":1}`, wantCode: conflictCode,
			wantErr: "mine is not merged, and nothing was written: 1 place is disputed\n\n/id: Must stay as it is: it does not change once it is there.\n  base    1\n  theirs  2\n  yours   1\n"},
		{name: "I removed what is immutable", base: `{"id":1}`, theirs: `{"id":1,"a":1}`, mine: `{}`, wantCode: conflictCode,
			wantErr: "mine is not merged, and nothing was written: 1 place is disputed\n\n/id: Must stay: it is not removed once it is there.\n  base    1\n  theirs  1\n  yours   (nothing)\n"},
		{name: "both created what is immutable", theirs: `{"id":1,"a":1}`, mine: `{"id":1}`, wantOut: `{"a":1,"id":1}`},
	} {
		tt.policy = policy
		if tt.args == nil {
			tt.args = args
		}
		t.Run(tt.name, tt.run)
	}
}
