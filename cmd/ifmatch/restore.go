package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/ifmatch/ifmatch/internal/audit"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/sqlite"
)

type restoreCmd struct {
	storeFlag
	File    string `arg:"" optional:"" placeholder:"FILE" type:"existingfile" help:"A copy that ifmatch backup has made. Without one the store was put back by other means already, and is only told so."`
	Keyring string `placeholder:"FILE" type:"path" default:"" env:"IFMATCH_KEYRING" help:"The key ring that its log is sealed with (default: the one beside the copy, else the one beside the store)."`
	Replace bool   `help:"Where there is a store already, set it aside under another name."`
	Margin  int64  `default:"1000000000" help:"How many versions one document may have got since the copy was made, at most."`
}

// Help says what the flags do not.
func (*restoreCmd) Help() string {
	return "Begins a new epoch, since the copy may lack writes that were acknowledged: new versions start above all that may have been given out, " +
		"signed tags and cursors from before are void. Everything else stays as the copy has it."
}

// Run restores the store.
func (c *restoreCmd) Run(ctx context.Context, k *kong.Context) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	dsn := c.dsn()
	if c.File == "" {
		return c.inPlace(ctx, k, dsn)
	}
	if !isSQLite(dsn) {
		return errors.New("a file is restored to sqlite:PATH only; put other stores back by their engine's own means, then run ifmatch restore without a file")
	}
	return c.fromFile(ctx, k, sqlitePath(dsn))
}

// inPlace tells a store that was put back by other means.
func (c *restoreCmd) inPlace(ctx context.Context, k *kong.Context, dsn string) error {
	s, err := openExisting(ctx, dsn)
	if err != nil {
		return blame(k, "store", err)
	}
	info, err := c.begin(ctx, s)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	c.say(info)
	return nil
}

// begin begins the store's new epoch.
func (c *restoreCmd) begin(ctx context.Context, s store.Store) (store.Info, error) {
	r, ok := s.(store.Restorer)
	if !ok {
		return store.Info{}, cannot("restored")
	}
	info, err := r.Restored(ctx, c.Margin)
	if errors.Is(err, store.ErrInvalid) {
		err = fmt.Errorf("--margin: %w", err)
	}
	return info, err
}

func (c *restoreCmd) say(info store.Info) {
	fmt.Printf("epoch %d begins: tags that were signed and cursors that were given out before are void; new versions leave out %d\n", info.Epoch, c.Margin)
}

// fromFile makes the store of the copy under another name, and gives it its own when it
// is whole, verified, and in its new epoch. Until then nothing changes.
func (c *restoreCmd) fromFile(ctx context.Context, k *kong.Context, path string) (err error) {
	beside := c.File + ringSuffix
	if _, err := os.Stat(beside); err != nil {
		beside = path + ringSuffix
	}
	chain, err := chainOf(k, c.Keyring, beside)
	if err != nil {
		return err
	}
	lock, err := sqlite.Lock(path)
	if err != nil {
		return blame(k, "store", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if free := isFree(path); free != nil && !c.Replace {
		return fmt.Errorf("%w; --replace sets it aside", free)
	}
	draft := draftBeside(path)
	defer func() { err = errors.Join(err, removeStore(draft)) }()
	if err := copyStore(ctx, c.File, draft); err != nil {
		return err
	}
	info, err := c.renew(ctx, draft, chain)
	if err != nil {
		return err
	}
	if err := setAside(path); err != nil {
		return err
	}
	if err := rename(draft, path); err != nil {
		return err
	}
	c.say(info)
	if _, err := os.Stat(path + ringSuffix); errors.Is(err, fs.ErrNotExist) && c.Keyring == "" {
		fmt.Fprintf(os.Stderr, "There is no key ring %s: put that of the store there before a server makes a new one, under which nothing of the log can be verified.\n", path+ringSuffix)
	}
	return nil
}

// renew brings the copy up to this version, verifies it, and begins its new epoch.
func (c *restoreCmd) renew(ctx context.Context, draft string, chain *audit.Chain) (info store.Info, err error) {
	s, err := sqlite.Open(ctx, draft, sqlite.Options{})
	if err != nil {
		return info, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	report, err := verify(ctx, s, chain)
	if err != nil {
		return info, err
	}
	if err := print(report); err != nil {
		fmt.Fprintln(os.Stderr, "ifmatch: the copy contradicts itself; nothing was changed")
		return info, err
	}
	return c.begin(ctx, s)
}

// setAside gives the files of the store in a path another name. That of the documents
// goes first: a log without it is read by nobody.
func setAside(path string) error {
	aside := path + ".replaced-" + time.Now().UTC().Format("20060102T150405.000Z")
	for _, suffix := range storeSuffixes {
		err := os.Rename(path+suffix, aside+suffix)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case suffix == "":
			fmt.Fprintf(os.Stderr, "the store that was there is now %s\n", filepath.Base(aside))
		}
	}
	return nil
}
