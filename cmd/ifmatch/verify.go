package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store/sqlite"
)

type verifyCmd struct {
	Store string `default:"sqlite:ifmatch.db" env:"IFMATCH_STORE" help:"The store to check: sqlite:PATH. No server may have it open."`
}

// Run verifies the store and prints what contradicts what.
func (v *verifyCmd) Run(ctx context.Context) error {
	path, err := sqlitePath(v.Store)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return err
	}
	s, err := sqlite.Open(ctx, path, sqlite.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	chain, err := openChain(s.Path()+keySuffix, false)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Printf("There is no key file %s, so the audit chain is not verified.\n", s.Path()+keySuffix)
	} else if err != nil {
		return errors.Join(err, s.Close())
	}
	report, err := engine.Verify(ctx, s, chain)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	return print(report)
}

func print(r *engine.Report) error {
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
	fmt.Printf("%d documents, %d tombstones, %d log rows, %d sealed by the audit chain: ", r.Documents, r.Tombstones, r.Rows, r.Sealed)
	if !r.OK() {
		fmt.Printf("%d contradictions\n", len(r.Findings)+r.More)
		return errReported
	}
	fmt.Println("all agree")
	return nil
}
