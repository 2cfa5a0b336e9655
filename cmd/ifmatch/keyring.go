package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/alecthomas/kong"

	"github.com/ifmatch/ifmatch/internal/keyring"
	"github.com/ifmatch/ifmatch/policy"
)

type keyringCmd struct {
	List   listKeysCmd  `cmd:"" help:"Print the ids of the keys, when they were made, and which one signs."`
	Rotate rotateCmd    `cmd:"" help:"Add a key, which signs and seals from then on; the others go on verifying. Makes the file where there is none."`
	Retire retireKeyCmd `cmd:"" help:"Have a key vouch for tags no longer: those that it has signed are stale. It goes on verifying the log."`
}

// ringFlags say which key ring is meant.
type ringFlags struct {
	Keyring string `placeholder:"FILE" type:"path" default:"" env:"IFMATCH_KEYRING" help:"The key ring (default: that of the policy file, else the one beside the store)."`
	Config  string `placeholder:"FILE" type:"path" default:"" env:"IFMATCH_CONFIG" help:"Policy file that names it, or the store."`
	Store   string `placeholder:"DSN" env:"IFMATCH_STORE" help:"sqlite:PATH, beside which it lies (default: the policy file's, else sqlite:ifmatch.db)."`
}

// path returns the key ring's file.
func (f *ringFlags) path(k *kong.Context) (string, error) {
	if f.Keyring != "" {
		return f.Keyring, nil
	}
	p := policy.Default()
	if f.Config != "" {
		var err error
		if p, err = policy.Load(f.Config); err != nil {
			return "", err
		}
	}
	if p.Signing.Keyring != "" && f.Store == "" {
		return p.Signing.Keyring, nil
	}
	path, err := besideStore(cmp.Or(f.Store, p.Store))
	if err != nil {
		return "", blame(k, "store", err)
	}
	return path, nil
}

// besideStore returns the file of the key ring beside a store, which must be there.
func besideStore(dsn string) (string, error) {
	if err := policy.CheckStore(dsn); err != nil {
		return "", err
	}
	if dsn == inMemory {
		return "", errors.New("the keys of a store in memory end with its process; name a file, as in sqlite:PATH, or its key ring")
	}
	if !isSQLite(dsn) {
		return "", errors.New("there is no file beside a store that servers share; name the key ring, as in --keyring FILE")
	}
	path, err := filepath.Abs(sqlitePath(dsn))
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	return path + ringSuffix, err
}

type listKeysCmd struct{ ringFlags }

// Run prints what can be told of the keys.
func (c *listKeysCmd) Run(k *kong.Context) error {
	path, err := c.path(k)
	if err != nil {
		return err
	}
	r, err := keyring.Load(path)
	if err != nil {
		return err
	}
	all := r.Keys()
	for i := range all {
		key := &all[i]
		made := "unknown"
		if !key.Made.IsZero() {
			made = key.Made.Format(time.RFC3339)
		}
		state := "verifies"
		switch {
		case i == len(all)-1:
			state = "signs"
		case key.Retired:
			state = "retired"
		}
		fmt.Printf("%s  %-20s  %s\n", key.ID(), made, state)
	}
	return nil
}

type rotateCmd struct{ ringFlags }

// Run adds a key.
func (c *rotateCmd) Run(k *kong.Context) error {
	path, err := c.path(k)
	if err != nil {
		return err
	}
	r, err := keyring.Update(path, func(r keyring.Ring) (keyring.Ring, error) { return r.Rotated(time.Now()), nil })
	if err != nil {
		return err
	}
	all := r.Keys()
	fmt.Printf("%s  signs\n", all[len(all)-1].ID())
	fmt.Fprintf(os.Stderr, "It is in %s; keep a copy elsewhere. A server that runs takes it within seconds, and says so in its log.\n", path)
	return nil
}

type retireKeyCmd struct {
	ringFlags
	ID string `arg:"" help:"The key's id, as ifmatch keyring list prints it."`
}

// Run retires a key.
func (c *retireKeyCmd) Run(k *kong.Context) error {
	path, err := c.path(k)
	if err != nil {
		return err
	}
	if _, err := keyring.Update(path, func(r keyring.Ring) (keyring.Ring, error) { return r.Retired(c.ID) }); err != nil {
		return err
	}
	fmt.Printf("%s  retired\n", c.ID)
	return nil
}
