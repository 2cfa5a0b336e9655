// Command bench measures ifmatch against the project's performance bars and
// prints one table. It starts the servers itself, on loopback ports, drives them
// in turn, and leaves nothing behind. A bar that is not met is a line in the
// table, not a failure of the program; a server that answers wrongly is one.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ifmatch/ifmatch/test/bench/load"
)

type options struct {
	json, markdown, only, program, serveArgs, authorization, parent string
	seconds, warmup                                                 time.Duration
	rounds, documents, largeDocuments                               int
	large                                                           bool
}

func parseOptions() (options, error) {
	var o options
	flag.StringVar(&o.json, "json", "", "write every figure of every round to this `file`")
	flag.StringVar(&o.markdown, "markdown", "", "write the table and how it was taken to this `file`")
	flag.StringVar(&o.only, "only", "", "measure these bars only (`names` separated by commas)")
	flag.BoolVar(&o.large, "large", false, "also measure with 1,000,000 documents, which takes minutes more")
	seconds := flag.Float64("seconds", 3, "`length` of one measurement")
	flag.IntVar(&o.rounds, "rounds", 5, "`number` of measurements of each side")
	flag.IntVar(&o.documents, "documents", 10_000, "`number` of documents")
	flag.IntVar(&o.largeDocuments, "large-documents", 1_000_000, "`number` of documents with -large")
	flag.StringVar(&o.program, "program", "", "measure this ifmatch `binary` instead of building ./cmd/ifmatch")
	flag.StringVar(&o.serveArgs, "serve-args", "", "further `arguments` of ifmatch serve, separated by spaces")
	flag.StringVar(&o.authorization, "authorization", "", "`value` of the Authorization header to send")
	flag.StringVar(&o.parent, "dir", "", "`folder` for the stores, on a real disk (default: the temporary folder)")
	flag.Parse()
	o.seconds = time.Duration(*seconds * float64(time.Second))
	o.warmup = min(o.seconds/4, 500*time.Millisecond)
	switch {
	case flag.NArg() > 0:
		return o, fmt.Errorf("%q is not an option; -h lists them", flag.Arg(0))
	case o.rounds < 1 || o.seconds <= 0:
		return o, errors.New("-rounds and -seconds must be above zero")
	case o.documents < manyClients || o.largeDocuments < manyClients:
		return o, fmt.Errorf("at least %d documents are needed, one for each client", manyClients)
	}
	return o, checkNames(o)
}

// checkNames refuses a name that is no bar's: measuring nothing would look like
// success.
func checkNames(o options) error {
	if o.only == "" {
		return nil
	}
	var known []string
	for _, e := range experiments(o) {
		for _, b := range e.bars {
			known = append(known, b.name)
		}
	}
next:
	for name := range strings.SplitSeq(o.only, ",") {
		for _, k := range known {
			if k == name {
				continue next
			}
		}
		return fmt.Errorf("-only: there is no bar %q; the bars are %s", name, strings.Join(known, ", "))
	}
	return nil
}

func main() {
	o, err := parseOptions()
	if err == nil {
		err = run(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o options) (err error) {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("find the module (go env GOMOD): %w", err)
	}
	root := filepath.Dir(strings.TrimSpace(string(mod)))
	dir, err := makeDir(o.parent, root)
	if err != nil {
		return err
	}
	b := &bench{options: o, root: root, dir: dir, built: map[string]build{}, subjects: map[server]*subject{}, zipf: map[int]*load.Zipf{}, key: rand.Text()}
	defer func() { err = errors.Join(err, b.close()) }()
	m, err := describeMachine(root, dir)
	if err != nil {
		return err
	}
	outcomes := b.measure(ctx)
	if ctx.Err() != nil {
		return errors.New("interrupted; nothing is reported")
	}
	if err := writeTable(os.Stdout, outcomes); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	if warning := m.warning(); warning != "" {
		b.progress("%s", warning)
	}
	if o.json != "" {
		err = writeJSON(o.json, m, o, outcomes)
	}
	if o.markdown != "" {
		err = errors.Join(err, writeMarkdown(o.markdown, m, o, outcomes))
	}
	return errors.Join(err, b.wrong())
}

// measure runs every experiment that was asked for, in the table's order.
func (b *bench) measure(ctx context.Context) []outcome {
	var out []outcome
	for _, e := range experiments(b.options) {
		if b.only != "" && !e.matches(b.only) || b.only == "" && e.onRequest {
			continue
		}
		if e.large && !b.large {
			out = append(out, unmeasured(e.bars, "needs -large")...)
			continue
		}
		b.progress("%s: %s", e.bars[0].name, e.bars[0].what)
		out = append(out, e.run(ctx, b)...)
		if ctx.Err() != nil {
			break
		}
	}
	return out
}

// wrong is an error where a server did what it must not, nil where none did.
func (b *bench) wrong() error {
	if len(b.faults) == 0 {
		return nil
	}
	return fmt.Errorf("the servers' answers were not right: %w", errors.Join(b.faults...))
}

// progress tells on standard error what is going on.
func (b *bench) progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
