package main

import (
	"cmp"
	"io"
	"os"

	"github.com/ifmatch/ifmatch/internal/layout"
	"github.com/ifmatch/ifmatch/merge"
)

type mergeCmd struct {
	Base   string `arg:"" help:"The JSON file that both sides came of. One that is missing or empty stands for none."`
	Theirs string `arg:"" help:"The file with what is there now: the other branch, the stored version."`
	Mine   string `arg:"" help:"The file with your change."`

	Output     string   `short:"o" placeholder:"FILE" help:"Where to write the merged document, which may be MINE (default: standard output). Where something is disputed, it stays as it is."`
	Policy     string   `placeholder:"FILE" help:"Policy file with the rules to merge by. Without one, objects are merged member by member."`
	Collection string   `placeholder:"NAME" help:"The collection of the policy file whose rules hold (default: the only one)."`
	MyRoles    []string `placeholder:"ROLE" help:"Your roles, for rules that go by authority."`
	TheirRoles []string `placeholder:"ROLE" help:"The roles of whoever made their change, for rules that go by authority."`
	Name       string   `placeholder:"NAME" help:"What messages call the document, as git's placeholder for its path (default: the names of the files)."`
	JSON       bool     `name:"json" help:"Print what came of it as JSON: disputes, decisions and, without --output, the document."`
}

// Help is shown below the arguments.
func (*mergeCmd) Help() string {
	return "One of the three may be - for standard input. Exit codes: 0 merged; 9 something is disputed, " +
		"and nothing was written; 2 wrong usage; 1 anything else, such as a file that is not JSON."
}

// standardInput stands for it in the place of a file.
const standardInput = "-"

// Run merges the three files, and writes what comes of it, or says what is
// disputed.
func (c *mergeCmd) Run() error {
	if err := c.check(); err != nil {
		return err
	}
	rules, err := c.rules()
	if err != nil {
		return err
	}
	base, err := c.read(c.Base, "base", rules)
	if err != nil {
		return err
	}
	theirs, err := c.read(c.Theirs, "theirs", rules)
	if err != nil {
		return err
	}
	mine, err := c.read(c.Mine, "mine", rules)
	if err != nil {
		return err
	}
	m, err := rules.three(base.Value(), theirs.Value(), mine.Value(), c.writers())
	if err != nil {
		return err
	}
	if !m.Clean() {
		return cmp.Or(c.report(m, os.Stdout), errConflict)
	}
	document := layout.Append(nil, m.Value, base, theirs, mine)
	if c.Output != "" {
		if err := replaceFile(c.Output, document); err != nil {
			return err
		}
	} else if !c.JSON {
		if _, err := os.Stdout.Write(document); err != nil {
			return err
		}
	}
	return c.report(m, os.Stdout)
}

// check refuses arguments that contradict each other.
func (c *mergeCmd) check() error {
	inputs := 0
	for _, file := range []string{c.Base, c.Theirs, c.Mine} {
		if file == standardInput {
			inputs++
		}
	}
	switch {
	case inputs > 1:
		return usageError("standard input can be one of the three files only; name the others")
	case c.Policy == "" && c.Collection != "":
		return usageError("--collection names a collection of a policy file; say which with --policy")
	case c.Policy == "" && len(c.MyRoles)+len(c.TheirRoles) > 0:
		return usageError("--my-roles and --their-roles are for rules that go by authority; say with --policy where they stand")
	}
	return nil
}

// writers are who made the two changes. The roles of one whole side are those of
// whoever made it.
func (c *mergeCmd) writers() merge.Writers {
	who := merge.Writers{Mine: c.MyRoles}
	if len(c.TheirRoles) > 0 {
		who.Theirs = []merge.Authorship{{Roles: c.TheirRoles}}
	}
	return who
}

// report says what came of a merge: as JSON to w, else to people, on standard
// error.
func (c *mergeCmd) report(m *merged, w io.Writer) error {
	title := c.Name
	if title == "" {
		title = named(c.Mine)
	}
	switch {
	case c.JSON:
		return m.writeJSON(w, c.Output == "")
	case m.Clean():
		m.listDropped(os.Stderr, title)
	default:
		m.listDisputes(os.Stderr, title, coloursFor(os.Stderr))
	}
	return nil
}
