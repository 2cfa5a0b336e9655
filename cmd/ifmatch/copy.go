package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/ifmatch/ifmatch/internal/clone"
	"github.com/ifmatch/ifmatch/internal/store"
)

type copyCmd struct {
	From string `required:"" placeholder:"DSN" help:"The store to copy."`
	To   string `required:"" placeholder:"DSN" help:"Where to copy it: an empty store, or one that an interrupted copy of the same store left."`
}

// Help says what the flags do not.
func (*copyCmd) Help() string {
	return "Copies documents, history, claims, leases and everything else from one kind of store to another, and reads it again to see that it is the same. " +
		"No server may have either open. Run again after an interruption it goes on where it was."
}

// Run copies the store.
func (c *copyCmd) Run(ctx context.Context, k *kong.Context) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := isThere(c.From); err != nil {
		return blame(k, "from", err)
	}
	if err := isLasting(c.To); err != nil {
		return blame(k, "to", err)
	}
	from, err := openAlone(ctx, c.From)
	if err != nil {
		return blame(k, "from", err)
	}
	to, err := opening{half: true, log: toStderr()}.open(ctx, c.To)
	if err != nil {
		return errors.Join(blame(k, "to", err), from.Close())
	}
	bar := progress(-1, "rows")
	t, err := clone.Run(ctx, from, to, func(done, about int64) {
		bar.ChangeMax64(max(done, about))
		_ = bar.Set64(done) // a bar that cannot be drawn is no fault
	})
	_ = bar.Exit()
	if errors.Is(err, store.ErrNotEmpty) || errors.Is(err, clone.ErrOther) || errors.Is(err, clone.ErrDiffers) {
		err = blame(k, "to", err)
	}
	was := from.Info().Epoch
	if err = errors.Join(err, to.Close(), from.Close()); err != nil {
		return err
	}
	fmt.Printf("%d documents, %d tombstones and %d log rows are copied, and the copy holds the same\n", t.Documents, t.Tombstones, t.Entries)
	if t.Resumed > 0 {
		fmt.Fprintf(os.Stderr, "%d rows were there from an earlier run\n", t.Resumed)
	}
	if t.Epoch != was {
		fmt.Fprintf(os.Stderr, "epoch %d begins, since changes are numbered in another way there: tags that were signed and cursors that were given out before are void\n", t.Epoch)
	}
	fmt.Fprintln(os.Stderr, "The key ring is not copied: name it when you serve the copy, or put it beside that. Serve the one or the other from now on, never both.")
	return nil
}
