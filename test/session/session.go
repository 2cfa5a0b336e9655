// Package session runs the console sessions that READMEs show, and tells where
// the programs answer otherwise.
package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// step is one command with the lines that are shown of its output, in order.
// Lines between them are left out, and … stands for anything within a line.
type step struct {
	command string
	shown   []string
}

var console = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")

// Run fails t where [Check], in a folder of its own and within a minute, finds
// the file readme wrong. It skips t where a program is missing that sessions need.
func Run(t *testing.T, readme, written, actual string) {
	t.Helper()
	for _, program := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("SKIPPED, NOT CHECKED: the session of %s needs %s: %v", readme, program, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := Check(ctx, readme, t.TempDir(), written, actual); err != nil {
		t.Error(err)
	}
}

// Check runs every command of the console blocks of the file readme in one bash,
// in the folder dir. The address that the file writes is replaced by the one
// where the program under test listens. The error names each step whose output
// lacks a line that is shown. It needs bash, and whatever the commands need.
func Check(ctx context.Context, readme, dir, written, actual string) error {
	text, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	steps, err := parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", readme, err)
	}
	outputs, err := run(ctx, steps, dir, strings.NewReplacer(written, actual))
	if err != nil {
		return fmt.Errorf("%s: %w", readme, err)
	}
	var all []error
	for i := range steps {
		if err := steps[i].compare(outputs[i]); err != nil {
			all = append(all, fmt.Errorf("%s: $ %s\n%w\nthe output was:\n%s", readme, steps[i].command, err, outputs[i]))
		}
	}
	return errors.Join(all...)
}

// parse reads commands after "$ ", their further lines after "> ", and output.
func parse(text []byte) ([]step, error) {
	var steps []step
	for _, block := range console.FindAllSubmatch(text, -1) {
		for line := range strings.Lines(string(block[1])) {
			line = strings.TrimSuffix(line, "\n")
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				steps = append(steps, step{command: command})
				continue
			}
			if len(steps) == 0 {
				return nil, fmt.Errorf("output without a command: %s", line)
			}
			last := &steps[len(steps)-1]
			if more, ok := strings.CutPrefix(line, "> "); ok && len(last.shown) == 0 {
				last.command += "\n" + more
				continue
			}
			last.shown = append(last.shown, line)
		}
	}
	if len(steps) == 0 {
		return nil, errors.New("it shows no session; write one in a block marked console")
	}
	return steps, nil
}

// end separates the outputs of two steps; no answer contains it.
const end = "\x1e"

// run runs all steps in one shell, as a reader does, and returns the output of
// each.
func run(ctx context.Context, steps []step, dir string, addresses *strings.Replacer) ([]string, error) {
	var script strings.Builder
	for _, s := range steps {
		script.WriteString(addresses.Replace(s.command) + "\nprintf '" + end + "'\n")
	}
	cmd := exec.CommandContext(ctx, "bash", "-u", "-c", script.String())
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("the session ended with %w: %s", err, stderr.String())
	}
	outputs := strings.Split(string(out), end)
	if len(outputs) != len(steps)+1 {
		return nil, fmt.Errorf("%d outputs of %d steps: %s", len(outputs)-1, len(steps), stderr.String())
	}
	return outputs, nil
}

// compare says which shown line the output lacks. A request must be shown with
// its answer, and one that prints headers with its status line.
func (s *step) compare(output string) error {
	if strings.Contains(s.command, "curl") && len(s.shown) == 0 {
		return errors.New("no answer is shown")
	}
	if strings.Contains(s.command, "curl -i") && !strings.HasPrefix(s.shown[0], "HTTP/1.1 ") {
		return errors.New("no status line is shown")
	}
	lines := strings.Split(strings.ReplaceAll(output, "\r\n", "\n"), "\n")
	for _, want := range s.shown {
		pattern, err := regexp.Compile("^" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*") + "$")
		if err != nil {
			return err
		}
		for found := false; !found; lines = lines[1:] {
			if len(lines) == 0 {
				return fmt.Errorf("this line is missing, or not in its place:\n%s", want)
			}
			found = pattern.MatchString(lines[0])
		}
	}
	return nil
}
