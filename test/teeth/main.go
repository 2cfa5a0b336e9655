// Command teeth runs the tests against deliberately broken builds, and fails
// unless the tests notice each of them. The breakage lives in overlays of the
// build; no file of the tree is touched.
//
//	go run ./test/teeth [-short] [-run REGEXP]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

func main() {
	short := flag.Bool("short", false, "run only the breakages that lose an acknowledged write")
	run := flag.String("run", "", "run only the mutants whose name matches this `regexp`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := bite(ctx, *short, *run)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "teeth:", err)
		os.Exit(1)
	}
}

// bite runs the table and prints it with what became of each row.
func bite(ctx context.Context, short bool, pattern string) (err error) {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	chosen, err := choose(short, pattern)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "teeth-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r := &runner{root: root, dir: dir}
	began := time.Now()
	if err := r.baseline(ctx, chosen); err != nil {
		return err
	}
	results := make([]result, len(chosen))
	inParallel(len(chosen), func(i int) { results[i] = r.mutated(ctx, &chosen[i]) })
	missed, err := print(results)
	if err != nil {
		return err
	}
	fmt.Printf("%d mutants in %s\n", len(results), time.Since(began).Round(time.Second))
	if missed > 0 {
		return fmt.Errorf("%d of %d broken builds were not noticed by the tests that must notice them", missed, len(results))
	}
	return nil
}

// moduleRoot is the folder of go.mod, at or above the current one.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod here or above; run it inside the repository")
		}
		dir = up
	}
}

func choose(short bool, pattern string) ([]mutant, error) {
	match, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	var chosen []mutant
	for _, m := range mutants {
		switch {
		case short && !m.short || !match.MatchString(m.name):
		case m.needs != "" && os.Getenv(m.needs) == "":
			fmt.Fprintf(os.Stderr, "SKIPPED, NOT CHECKED: %s, for want of a server that %s names; scripts/teeth.sh starts one\n", m.name, m.needs)
		default:
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no mutant matches %q", pattern)
	}
	return chosen, nil
}

// workers is how many builds run at once. Two keep two processors busy, since
// one links while the other waits for a disk.
const workers = 2

// inParallel calls f with 0 to n-1, a few at a time.
func inParallel(n int, f func(int)) {
	var all sync.WaitGroup
	slots := make(chan struct{}, workers)
	for i := range n {
		slots <- struct{}{}
		all.Go(func() {
			f(i)
			<-slots
		})
	}
	all.Wait()
}

// print shows the table and returns how many rows are not red.
func print(results []result) (missed int, err error) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MUTANT\tMUST BE NOTICED BY\tVERDICT\tNOTICED BY")
	for _, r := range results {
		verdict := r.verdict()
		if verdict != "red" {
			missed++
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.mutant.name, r.mutant.test, verdict, r.notice)
	}
	if err := w.Flush(); err != nil {
		return 0, err
	}
	for _, r := range results {
		if r.err != nil {
			fmt.Printf("%s: %v\n", r.mutant.name, r.err)
		}
	}
	return missed, nil
}

// oneLine shortens text to what fits in a cell.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return text
}
