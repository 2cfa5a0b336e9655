package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/audit"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/internal/keyring"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/policy"
)

// ringSuffix names the file with a store's keys, beside the store. Whoever has both can
// forge the audit chain; keep a copy of the keys elsewhere to detect that.
const ringSuffix = ".key"

// sharedRing is the file with the keys of a store that several nodes share.
const sharedRing = "ifmatch" + ringSuffix

// keys are what seals a store's log and signs its tags.
type keys struct {
	chain  *audit.Chain
	signer *ifmatch.Signer
	path   string // of the ring's file, "" for one in memory
	ring   keyring.Ring
}

// openKeys opens the key ring that the policy names, else the one of the store, which is
// made where there is none.
func openKeys(ctx context.Context, p *policy.Policy, s store.Store) (*keys, error) {
	k := &keys{path: cmp.Or(p.Signing.Keyring, ringBeside(s))}
	var err error
	switch {
	case p.Signing.Keyring != "":
		k.ring, err = keyring.Load(k.path)
	case k.path == "":
		k.ring = keyring.New(time.Now())
	default:
		if err = mayMakeRing(ctx, k.path, s); err == nil {
			k.ring, err = keyring.Open(k.path)
		}
	}
	if err != nil {
		return nil, err
	}
	if k.chain, err = audit.NewChain(k.ring.Sealing()...); err != nil {
		return nil, err
	}
	info := s.Info()
	k.signer, err = ifmatch.NewSigner(info.ID, info.Epoch, k.ring.Signing()...)
	return k, err
}

// mayMakeRing fails where there is no ring in a file, and other nodes of the store have
// one: under another ring their tags would be forged here, and the log that this node
// seals could not be verified there.
func mayMakeRing(ctx context.Context, file string, s store.Store) error {
	lister, ok := s.(store.PartLister)
	if _, err := os.Stat(file); err == nil || !ok || !s.Info().Capabilities.SharedByProcess {
		return nil
	}
	parts, err := lister.Parts(ctx)
	if err != nil || len(parts) == 0 {
		return err
	}
	return fmt.Errorf("the store has documents already, whose log is sealed with keys that are not here; copy %s from the node that made it, or name the ring in the policy: signing: {keyring: FILE}", file)
}

// watch takes the ring's changes until ctx ends.
func (k *keys) watch(ctx context.Context, log *slog.Logger) {
	if k.path == "" {
		return
	}
	w := keyring.NewWatcher(k.path, k.ring, log, func(r keyring.Ring) error {
		return errors.Join(k.signer.SetKeys(r.Signing()...), k.chain.SetKeys(r.Sealing()...))
	})
	repeat(ctx, lookEvery, w.Reload)
}

// sign has all that is served signed with the keys, where its tags are.
func (k *keys) sign(c *httpapi.Config) {
	if c.Default != nil {
		c.Default.Contract.Signer = k.signer
	}
	for i := range c.Collections {
		c.Collections[i].Rules.Contract.Signer = k.signer
	}
}
