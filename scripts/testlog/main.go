// Command testlog prints what matters of `go test -json`: the whole output of
// failed tests, every skipped test with its reason, and go test's closing line
// for each package. Plain go test hides skips, and what was not checked must be
// seen.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is one line of go test -json (see go doc test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

func main() {
	if err := filter(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "testlog:", err)
		os.Exit(1)
	}
}

// filter copies what matters of the events in r to w. The exit status of go test
// stays the caller's to look at.
func filter(r io.Reader, w io.Writer) error {
	p := printer{out: bufio.NewWriter(w), held: map[string]map[string][]string{}}
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			p.line(line)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if p.skipped > 0 {
		fmt.Fprintf(p.out, "%d tests were skipped; their reasons stand above\n", p.skipped)
	}
	return p.out.Flush()
}

type printer struct {
	out     *bufio.Writer
	held    map[string]map[string][]string // package → test → output
	skipped int
}

func (p *printer) line(line string) {
	var e event
	if json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(p.out, line) // not an event: what the go command itself says
		return
	}
	switch e.Action {
	case "build-output":
		fmt.Fprint(p.out, e.Output)
	case "output":
		p.output(e)
	case "pass":
		delete(p.held[e.Package], e.Test)
	case "skip":
		p.skip(e)
	case "fail":
		p.fail(e)
	}
}

func (p *printer) output(e event) {
	if e.Test == "" {
		if e.Output != "PASS\n" {
			fmt.Fprint(p.out, e.Output)
		}
		_ = p.out.Flush() // an error stays with the writer and comes back from the last Flush
		return
	}
	if strings.HasPrefix(e.Output, "=== ") {
		return
	}
	if p.held[e.Package] == nil {
		p.held[e.Package] = map[string][]string{}
	}
	p.held[e.Package][e.Test] = append(p.held[e.Package][e.Test], e.Output)
}

func (p *printer) skip(e event) {
	if e.Test == "" {
		return // a package without tests; its closing line says so
	}
	p.skipped++
	p.print(e)
}

// fail prints a failed test. A package that failed without saying which test
// did, by a panic or a timeout, is printed with all that was held back.
func (p *printer) fail(e event) {
	if e.Test != "" {
		p.print(e)
		return
	}
	for test := range p.held[e.Package] {
		p.print(event{Package: e.Package, Test: test})
	}
	_ = p.out.Flush() // as in output
}

func (p *printer) print(e event) {
	for _, line := range p.held[e.Package][e.Test] {
		fmt.Fprint(p.out, line)
	}
	delete(p.held[e.Package], e.Test)
}
