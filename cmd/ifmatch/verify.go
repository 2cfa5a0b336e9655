package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/alecthomas/kong"

	"github.com/ifmatch/ifmatch/internal/audit"
	"github.com/ifmatch/ifmatch/internal/keyring"
	"github.com/ifmatch/ifmatch/internal/store/sqlite"
	"github.com/ifmatch/ifmatch/policy"
)

type verifyCmd struct {
	Store   string `placeholder:"DSN" env:"IFMATCH_STORE" help:"The store to check: sqlite:PATH (default: sqlite:ifmatch.db). No server may have it open."`
	Keyring string `placeholder:"FILE" type:"path" default:"" env:"IFMATCH_KEYRING" help:"The key ring that its log is sealed with (default: the one beside the store)."`
}

// Run verifies the store and prints what contradicts what.
func (v *verifyCmd) Run(ctx context.Context, k *kong.Context) error {
	s, err := v.open(ctx)
	if err != nil {
		return blame(k, "store", err)
	}
	chain, err := v.chain(k, s.Path()+ringSuffix)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	report, err := audit.Verify(ctx, s, chain)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	return print(report)
}

// chain returns the audit chain of a store, nil where there is no key ring beside it and
// none was named.
func (v *verifyCmd) chain(k *kong.Context, beside string) (*audit.Chain, error) {
	r, err := keyring.Load(cmp.Or(v.Keyring, beside))
	if errors.Is(err, fs.ErrNotExist) && v.Keyring == "" {
		fmt.Printf("There is no key ring %s, so the audit chain is not verified.\n", beside)
		return nil, nil
	}
	if err != nil {
		return nil, blame(k, "keyring", err)
	}
	return audit.NewChain(r.Sealing()...)
}

// open opens the store for reading, which must be there already. Beside a server that
// writes, the log and the documents would be of two moments, and contradict each other.
func (v *verifyCmd) open(ctx context.Context) (*sqlite.Store, error) {
	dsn := cmp.Or(v.Store, policy.Default().Store)
	if err := policy.CheckStore(dsn); err != nil {
		return nil, err
	}
	if dsn == inMemory {
		return nil, errors.New("a store in memory ends with its process; name a file, as in sqlite:PATH")
	}
	path := sqlitePath(dsn)
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	return sqlite.Open(ctx, path, sqlite.Options{ReadOnly: true, Alone: true})
}

func print(r *audit.Report) error {
	for _, f := range r.Findings {
		fmt.Printf("%s/%s", f.Ref.Part.Collection, f.Ref.ID)
		if f.Rev > 0 {
			fmt.Printf(" rev %d", f.Rev)
		}
		fmt.Printf(": %s\n", f.Message)
	}
	if r.More > 0 {
		fmt.Printf("and %d more\n", r.More)
	}
	fmt.Printf("%d documents, %d tombstones, %d log rows, %d sealed by the audit chain", r.Documents, r.Tombstones, r.Rows, r.Sealed)
	if r.IndexRows > 0 {
		fmt.Printf(", %d index rows", r.IndexRows)
	}
	fmt.Print(": ")
	if !r.OK() {
		fmt.Printf("%d contradictions\n", len(r.Findings)+r.More)
		return errReported
	}
	fmt.Println("all agree")
	return nil
}
