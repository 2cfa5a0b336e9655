package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/ifmatch/ifmatch/internal/transfer"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// remote is what commands that speak to a server have in common.
type remote struct {
	URL string `arg:"" placeholder:"URL" help:"The collection, such as http://127.0.0.1:8080/v1/notes."`
}

// open returns the collection. The token is taken from the environment alone:
// among the arguments every user of the machine could read it.
func (c *remote) open() (*transfer.Remote, error) {
	return transfer.NewRemote(c.URL, os.Getenv("IFMATCH_TOKEN"), nil)
}

type exportCmd struct {
	remote
	Output string `short:"o" placeholder:"FILE" type:"path" help:"Where to write (default: standard output). Run again after an interruption it goes on where it was."`
}

// Run writes the collection's documents, a line each.
func (c *exportCmd) Run(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, err := c.open()
	if err != nil {
		return err
	}
	bar := progress(-1, "documents")
	report := func(n int64) { _ = bar.Set64(n) } // a bar that cannot be drawn is no fault
	var n int64
	if c.Output == "" {
		out := bufio.NewWriter(os.Stdout)
		n, err = r.Export(ctx, out, report)
		err = errors.Join(err, out.Flush())
	} else {
		n, err = r.ExportFile(ctx, c.Output, report)
	}
	_ = bar.Exit()
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d documents exported\n", n)
	return nil
}

type importCmd struct {
	remote
	File     string `arg:"" optional:"" placeholder:"FILE" type:"existingfile" help:"JSON Lines as export writes them (default: standard input). Run again after an interruption it goes on where it was."`
	Update   bool   `env:"IFMATCH_UPDATE" help:"Replace documents whose line has an etag that is still the current one. Else documents are only created."`
	Parallel int    `default:"16" help:"How many documents to send at once, up to 64."`
	Refused  string `placeholder:"FILE" type:"path" help:"Where to write the lines that were not taken, each with the reason (default: the first of them go to standard error)."`
}

// Run brings documents into the collection.
func (c *importCmd) Run(ctx context.Context) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, err := c.open()
	if err != nil {
		return err
	}
	refused, err := c.openRefused()
	if err != nil {
		return err
	}
	bar := progress(c.size(), "")
	tally, err := c.run(ctx, r, transfer.ImportOptions{
		Update: c.Update, Parallel: c.Parallel, Refused: refused.add,
		Progress: func(bytes int64) { _ = bar.Set64(bytes) },
	})
	_ = bar.Exit()
	fmt.Fprintf(os.Stderr, "%d created, %d replaced, %d unchanged, %d refused", tally.Created, tally.Replaced, tally.Unchanged, tally.Refused)
	if tally.Resumed > 0 {
		fmt.Fprintf(os.Stderr, ", after %d lines of an earlier run", tally.Resumed)
	}
	fmt.Fprintln(os.Stderr)
	if err := errors.Join(err, refused.close()); err != nil {
		return err
	}
	if tally.Refused > 0 {
		return errConflict
	}
	return nil
}

func (c *importCmd) run(ctx context.Context, r *transfer.Remote, o transfer.ImportOptions) (transfer.Tally, error) {
	if c.File == "" {
		return r.Import(ctx, os.Stdin, o)
	}
	return r.ImportFile(ctx, c.File, o)
}

// size returns the file's size, -1 where it is not known.
func (c *importCmd) size() int64 {
	info, err := os.Stat(c.File)
	if err != nil {
		return -1
	}
	return info.Size()
}

// refusals writes down the lines that were not taken.
type refusals struct {
	to    io.WriteCloser // nil: the first few go to standard error
	shown int
	err   error
}

func (c *importCmd) openRefused() (*refusals, error) {
	if c.Refused == "" {
		return &refusals{}, nil
	}
	f, err := os.OpenFile(c.Refused, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	return &refusals{to: f}, err
}

const shownRefusals = 10

func (r *refusals) add(l transfer.Refused) {
	if r.to == nil {
		if r.shown++; r.shown <= shownRefusals {
			fmt.Fprintf(os.Stderr, "line %d: %v\n", l.Line, l.Reason)
		}
		return
	}
	text := fmt.Appendf(nil, `{"line":%d,"reason":`, l.Line)
	text = jsonvalue.String(l.Reason.Error()).Append(text)
	text = append(text, `,"text":`...)
	text = jsonvalue.String(string(l.Text)).Append(text)
	_, err := r.to.Write(append(text, '}', '\n'))
	r.err = errors.Join(r.err, err)
}

func (r *refusals) close() error {
	if r.to == nil {
		if more := r.shown - shownRefusals; more > 0 {
			fmt.Fprintf(os.Stderr, "and %d more; name a file with --refused to keep them all\n", more)
		}
		return nil
	}
	return errors.Join(r.err, r.to.Close())
}

// progress returns a bar on a terminal's standard error, and one that is not
// drawn elsewhere. A size of -1 is unknown; unit is "" for bytes.
func progress(size int64, unit string) *progressbar.ProgressBar {
	options := []progressbar.Option{
		progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetVisibility(isTerminal(os.Stderr)),
		progressbar.OptionThrottle(100 * time.Millisecond), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetPredictTime(size > 0), progressbar.OptionFullWidth(),
	}
	if unit == "" {
		options = append(options, progressbar.OptionShowBytes(true))
	} else {
		options = append(options, progressbar.OptionSetItsString(unit), progressbar.OptionShowIts())
	}
	return progressbar.NewOptions64(size, options...)
}
