package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/alecthomas/kong"

	"github.com/ifmatch/ifmatch/internal/audit"
	"github.com/ifmatch/ifmatch/internal/keyring"
	"github.com/ifmatch/ifmatch/internal/store"
)

type verifyCmd struct {
	storeFlag
	Keyring string `placeholder:"FILE" type:"path" default:"" env:"IFMATCH_KEYRING" help:"The key ring that its log is sealed with (default: the one beside the store)."`
}

// Help says what the flags do not.
func (*verifyCmd) Help() string {
	return "No server may have the store open: beside one that writes, documents and log would be read at two moments."
}

// Run verifies the store and prints what contradicts what.
func (v *verifyCmd) Run(ctx context.Context, k *kong.Context) error {
	s, err := openAlone(ctx, v.dsn())
	if err != nil {
		return blame(k, "store", err)
	}
	chain, err := chainOf(k, v.Keyring, ringBeside(s))
	if err != nil {
		return errors.Join(err, s.Close())
	}
	report, err := verify(ctx, s, chain)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	return print(report)
}

// verify checks a store, and its audit chain where that is not nil.
func verify(ctx context.Context, s store.Store, chain *audit.Chain) (*audit.Report, error) {
	all, ok := s.(store.Scanner)
	if !ok {
		return nil, cannot("verified")
	}
	return audit.Verify(ctx, all, chain)
}

// chainOf returns the audit chain of a store, nil where there is no key ring beside it and
// none was named.
func chainOf(k *kong.Context, ring, beside string) (*audit.Chain, error) {
	if ring == "" && beside == "" {
		fmt.Println("No key ring was named, so the audit chain is not verified.")
		return nil, nil
	}
	r, err := keyring.Load(cmp.Or(ring, beside))
	if errors.Is(err, fs.ErrNotExist) && ring == "" {
		fmt.Printf("There is no key ring %s, so the audit chain is not verified.\n", beside)
		return nil, nil
	}
	if err != nil {
		return nil, blame(k, "keyring", err)
	}
	return audit.NewChain(r.Sealing()...)
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
