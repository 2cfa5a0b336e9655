package main

import (
	"context"
	"errors"
	"log/slog"
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

// keys are what seals a store's log and signs its tags.
type keys struct {
	chain  *audit.Chain
	signer *ifmatch.Signer
	path   string // of the ring's file, "" for one in memory
	ring   keyring.Ring
}

// openKeys opens the key ring that the policy names, else the one beside the store, which
// is made where there is none.
func openKeys(p *policy.Policy, s store.Store) (*keys, error) {
	k := &keys{path: p.Signing.Keyring}
	var err error
	file, inFile := s.(interface{ Path() string })
	switch {
	case k.path != "":
		k.ring, err = keyring.Load(k.path)
	case inFile:
		k.path = file.Path() + ringSuffix
		k.ring, err = keyring.Open(k.path)
	default:
		k.ring = keyring.New(time.Now())
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
