package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ifmatch/ifmatch/test/bench/load"
)

// policy is the policy file that the server is started with, empty for none. The
// key is what ifmatchKeyed asks for.
func (s server) policy(key string) string {
	switch s {
	case ifmatchKeyed:
		return fmt.Sprintf("access: true\nauth: {keys: [{name: bench, sha256: %x}]}\n", sha256.Sum256([]byte(key)))
	case ifmatchBody:
		return "collections: [{name: docs, contract: {preset: version-body}}]\n"
	case ifmatchReject:
		return "collections: [{name: docs, history: {keep: 1000}, on_stale: {default: reject}}]\n"
	case ifmatchMerge:
		return "collections: [{name: docs, history: {keep: 1000}, on_stale: {default: merge}}]\n"
	}
	return ""
}

// subject is a server that runs and holds its documents.
type subject struct {
	*process
	also   []*process // further nodes on its store
	corpus *load.Corpus
	peak   float64 // most resident memory seen under load, bytes
	err    error   // why it does not run; then all else is unset
}

// binary builds the server's program once and returns its path.
func (b *bench) binary(ctx context.Context, s server) (string, error) {
	pkg := kinds[s].program
	if s.isOurs() && b.program != "" {
		return filepath.Abs(b.program)
	}
	if built, ok := b.built[pkg]; ok {
		return built.path, built.err
	}
	path := filepath.Join(b.dir, filepath.Base(pkg))
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, pkg)
	cmd.Dir = b.root
	b.progress("build %s", pkg)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("go build %s: %w: %s", pkg, err, oneLine(string(out), 300))
	}
	b.built[pkg] = build{path, err}
	return path, err
}

type build struct {
	path string
	err  error
}

// launch starts a server on a store and waits for its first answer.
func (b *bench) launch(ctx context.Context, s server, dsn string) (*process, time.Duration, error) {
	binary, err := b.binary(ctx, s)
	if err != nil {
		return nil, 0, err
	}
	dir, err := os.MkdirTemp(b.dir, s.String()+"-")
	if err != nil {
		return nil, 0, fmt.Errorf("make the server's folder: %w", err)
	}
	addr, err := freeAddress()
	if err != nil {
		return nil, 0, err
	}
	args := []string{"--listen", addr}
	if dsn != "" {
		args = append(args, "--store", dsn)
	}
	if s.isOurs() {
		args = append([]string{"serve"}, args...)
		args = append(args, strings.Fields(b.serveArgs)...)
		if policy := s.policy(b.key); policy != "" {
			file := filepath.Join(dir, "policy.yaml")
			if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
				return nil, 0, fmt.Errorf("write the server's policy: %w", err)
			}
			args = append(args, "--config", file)
		}
	}
	if s == ifmatchApart {
		binary, args = apart(binary, args)
	}
	p, err := startProcess(binary, addr, dir, args)
	if err != nil {
		return nil, 0, err
	}
	took, err := p.ready(ctx, b.header(s))
	if err != nil {
		if stopErr := p.stop(); stopErr != nil {
			b.progress("%v", stopErr)
		}
		return nil, 0, err
	}
	return p, took, nil
}

// subject returns the running server, started and filled at first use. A server
// that could not be started is not tried again.
func (b *bench) subject(ctx context.Context, s server) *subject {
	if sub, ok := b.subjects[s]; ok {
		return sub
	}
	sub := &subject{}
	b.subjects[s] = sub
	dsn, err := b.emptyStore(ctx, kinds[s].store)
	if err != nil {
		sub.err = err
		return sub
	}
	if sub.process, _, sub.err = b.launch(ctx, s, dsn); sub.err != nil {
		return sub
	}
	for range kinds[s].also {
		node, _, err := b.launch(ctx, s, dsn)
		if err != nil {
			sub.err = err
			return sub
		}
		sub.also = append(sub.also, node)
	}
	if err := verify(ctx, sub.addr, b.credentials(s), s); err != nil {
		sub.err = b.failed(sub, err)
		return sub
	}
	n, kind := b.documents, load.Create
	switch s {
	case ifmatchLarge:
		n = b.largeDocuments
	case ifmatchReject, ifmatchMerge:
		n, kind = manyClients, load.CreateFields
	}
	sub.corpus = load.NewCorpus(n)
	if s == constant {
		sub.err = sub.corpus.SetTag(`"1"`)
		return sub
	}
	b.progress("fill %s with %s documents", s, thousands(int64(n)))
	result, err := load.Run(ctx, load.Plan{
		Addr: sub.addr, Also: sub.others(), Clients: manyClients, Corpus: sub.corpus, Kind: kind, Header: b.header(s),
	})
	if err != nil {
		sub.err = fmt.Errorf("fill the store: %w", b.failed(sub, err))
		return sub
	}
	b.progress("  %s/s", thousands(int64(result.Rate())))
	return sub
}

// others returns the addresses of further nodes.
func (s *subject) others() []string {
	var all []string
	for _, p := range s.also {
		all = append(all, p.addr)
	}
	return all
}

// credentials is the value of Authorization that a server is sent, empty for none.
func (b *bench) credentials(s server) string {
	if s == ifmatchKeyed {
		return "Bearer " + b.key
	}
	return b.authorization
}

// header is what every request carries besides its own lines.
func (b *bench) header(s server) string {
	if value := b.credentials(s); value != "" {
		return "Authorization: " + value + "\r\n"
	}
	return ""
}

// close ends every server; the first failure is returned after all were tried.
func (b *bench) close() error {
	var first error
	for _, sub := range b.subjects {
		if sub.process == nil {
			continue
		}
		for _, p := range append(sub.also, sub.process) {
			if err := p.stop(); err != nil && first == nil {
				first = err
			}
		}
	}
	if err := b.dropStores(); err != nil && first == nil {
		first = err
	}
	if err := os.RemoveAll(b.dir); err != nil && first == nil {
		first = fmt.Errorf("remove the benchmark's folder: %w", err)
	}
	return first
}
