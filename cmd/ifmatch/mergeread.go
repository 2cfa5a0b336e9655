package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"unicode/utf8"

	"github.com/ifmatch/ifmatch/internal/layout"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// maxMergeInput bounds each file that is merged, in bytes: a merge holds all of
// them in memory.
const maxMergeInput = 64 << 20

// read reads one side. A base that is missing or empty is absent, as git has it
// where both sides added a file.
func (c *mergeCmd) read(file, side string, r *mergeRules) (*layout.Text, error) {
	text, err := readLimited(file)
	if side == "base" && (errors.Is(err, fs.ErrNotExist) || err == nil && len(text) == 0) {
		return &layout.Text{}, nil
	}
	if err != nil {
		return nil, err
	}
	parsed, err := layout.Parse(text, r.limits)
	if bad, ok := errors.AsType[*jsonvalue.SyntaxError](err); ok {
		name := named(file)
		if c.Name != "" {
			name = fmt.Sprintf("%s (%s)", c.Name, side)
		}
		line, column := position(text, bad.Offset)
		err = fmt.Errorf("%s:%d:%d: %s", name, line, column, bad.Message())
		if bad.Reason == jsonvalue.ReasonTooDeep {
			err = fmt.Errorf("%w; limits.depth in a policy file allows more than %d", err, r.limits.Depth)
		}
	}
	return &parsed, err
}

func readLimited(file string) (text []byte, err error) {
	in := os.Stdin
	if file != standardInput {
		if in, err = os.Open(file); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, in.Close()) }()
	}
	text, err = io.ReadAll(io.LimitReader(in, maxMergeInput+1))
	if err == nil && len(text) > maxMergeInput {
		err = fmt.Errorf("%s is larger than the %d MiB that can be merged", named(file), maxMergeInput>>20)
	}
	return text, err
}

// named is what messages call a file.
func named(file string) string {
	if file == standardInput {
		return "standard input"
	}
	return file
}

// position returns the line and the column of a byte of text, in characters. Both
// count from 1.
func position(text []byte, offset int64) (line, column int) {
	before := text[:min(int(offset), len(text))]
	begin := bytes.LastIndexByte(before, '\n') + 1
	return 1 + bytes.Count(before, []byte("\n")), 1 + utf8.RuneCount(before[begin:])
}
