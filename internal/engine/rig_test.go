package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/audit"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

// hooked is a real store whose calls a test can hold up, answer or fail.
type hooked struct {
	store.Store
	info *store.Info // instead of the store's own

	mu    sync.Mutex
	get   func(next func() (*store.Document, error)) (*store.Document, error)
	entry func(version int64, next func() (*store.Entry, error)) (*store.Entry, error)
	// history and rows come before the store's own, unless they fail.
	history func() error
	rows    func() error
	commit  func(c *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error)
	// spoil changes what the store's rows are.
	spoil func(kind string, rows []store.Row) ([]store.Row, error)
}

func (h *hooked) Get(ctx context.Context, ref store.Ref) (*store.Document, error) {
	h.mu.Lock()
	hook := h.get
	h.mu.Unlock()
	next := func() (*store.Document, error) { return h.Store.Get(ctx, ref) }
	if hook == nil {
		return next()
	}
	return hook(next)
}

// Head implements [store.HeadReader]: what a test does to Get it does to Head.
func (h *hooked) Head(ctx context.Context, ref store.Ref) (*store.Document, error) {
	doc, err := h.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	return &store.Document{Head: doc.Head}, nil
}

func (h *hooked) Entry(ctx context.Context, ref store.Ref, version int64) (*store.Entry, error) {
	h.mu.Lock()
	hook := h.entry
	h.mu.Unlock()
	next := func() (*store.Entry, error) { return h.Store.Entry(ctx, ref, version) }
	if hook == nil {
		return next()
	}
	return hook(version, next)
}

func (h *hooked) History(ctx context.Context, ref store.Ref, before int64, limit int) ([]store.Entry, error) {
	h.mu.Lock()
	hook := h.history
	h.mu.Unlock()
	if hook != nil {
		if err := hook(); err != nil {
			return nil, err
		}
	}
	return h.Store.History(ctx, ref, before, limit)
}

// Rows implements [store.RowReader].
func (h *hooked) Rows(ctx context.Context, ref store.Ref, kind string) ([]store.Row, error) {
	h.mu.Lock()
	hook := h.rows
	h.mu.Unlock()
	if hook != nil {
		if err := hook(); err != nil {
			return nil, err
		}
	}
	rows, err := h.Store.(store.RowReader).Rows(ctx, ref, kind)
	if h.spoil == nil || err != nil {
		return rows, err
	}
	return h.spoil(kind, rows)
}

func (h *hooked) Commit(ctx context.Context, c *store.Commit) (store.Receipt, error) {
	h.mu.Lock()
	hook := h.commit
	h.mu.Unlock()
	next := func() (store.Receipt, error) { return h.Store.Commit(ctx, c) }
	if hook == nil {
		return next()
	}
	return hook(c, next)
}

func (h *hooked) Info() store.Info {
	if h.info != nil {
		return *h.info
	}
	return h.Store.Info()
}

// onCommit puts a hook between engine and store; nil takes it away.
func (h *hooked) onCommit(f func(c *store.Commit, next func() (store.Receipt, error)) (store.Receipt, error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.commit = f
}

// rig is an engine over a store in memory, with both in reach.
type rig struct {
	t      *testing.T
	store  *hooked
	memory *memory.Store
	chain  *audit.Chain
	engine *Engine
	// rival is a second engine over the same store that no hook concerns.
	rival *Engine
	rules Rules
	// authority is what intents have of it; nil is none.
	authority Authority
}

var ref = store.Ref{Part: store.Part{Collection: "notes"}, ID: "1"}

// optional asks no precondition of anybody.
var optional = Rules{Contract: ifmatch.Contract{Precondition: ifmatch.MethodPreconditions{
	Put: ifmatch.PreconditionOptional, Patch: ifmatch.PreconditionOptional, Delete: ifmatch.PreconditionOptional,
}}}

func newRig(t *testing.T, rules Rules, c Config) *rig {
	t.Helper()
	return newRigOver(t, memory.Open(memory.Options{}), rules, c)
}

func newRigOver(t *testing.T, m *memory.Store, rules Rules, c Config) *rig {
	t.Helper()
	chain, err := audit.NewChain([]byte("a key of 32 bytes, for tests only"))
	if err != nil {
		t.Fatal(err)
	}
	c.Chain = chain
	h := &hooked{Store: m}
	return &rig{t: t, store: h, memory: m, chain: chain, engine: New(h, c), rival: New(m, Config{Chain: chain}), rules: rules}
}

// intent makes the intent of a request to the one document of the rig. Headers
// come in pairs of name and value; Prefer and Writer are the strategy and the
// actor.
func (r *rig) intent(op Op, body string, headers ...string) *Intent {
	r.t.Helper()
	in := &Intent{Ref: ref, Rules: &r.rules, Op: op, Body: []byte(body), Authority: r.authority}
	conditions := map[string][]string{}
	for i := 0; i < len(headers); i += 2 {
		switch name, value := headers[i], headers[i+1]; name {
		case "Prefer":
			in.Strategy = Strategy(value)
		case "Writer":
			in.Actor.Name = value
		default:
			conditions[name] = append(conditions[name], value)
		}
	}
	in.Conditions = ifmatch.ParseConditions(conditions)
	return in
}

// do carries an intent out and checks that its error is a refusal.
func (r *rig) do(in *Intent) (*Outcome, *Refusal) {
	r.t.Helper()
	return r.on(r.engine, in)
}

func (r *rig) on(e *Engine, in *Intent) (*Outcome, *Refusal) {
	r.t.Helper()
	out, err := e.Do(context.Background(), in)
	if err == nil {
		return out, nil
	}
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok || out != nil {
		r.t.Fatalf("got %+v and an error that is no refusal: %v", out, err)
	}
	return nil, refusal
}

// must is do for what has to succeed.
func (r *rig) must(op Op, body string, headers ...string) *Outcome {
	r.t.Helper()
	out, refusal := r.do(r.intent(op, body, headers...))
	if refusal != nil {
		r.t.Fatalf("op %d %s %q: %v", op, body, headers, refusal)
	}
	return out
}

// byRival writes past all hooks, under no precondition.
func (r *rig) byRival(op Op, body, writer string) {
	r.t.Helper()
	in := r.intent(op, body, "Writer", writer)
	in.Rules = &optional
	if _, refusal := r.on(r.rival, in); refusal != nil {
		r.t.Errorf("the rival was refused: %v", refusal)
	}
}

// refused carries out an intent that must be refused, and checks that nothing
// changed.
func (r *rig) refused(reason Reason, in *Intent) *Refusal {
	r.t.Helper()
	before := r.dump()
	out, refusal := r.do(in)
	if refusal == nil {
		r.t.Fatalf("not refused: %+v", out)
	}
	if refusal.Reason != reason {
		r.t.Fatalf("refused as %v, want %s", refusal, reason)
	}
	if after := r.dump(); after != before {
		r.t.Errorf("a refusal left something behind:\n%s\nbefore:\n%s", after, before)
	}
	return refusal
}

// dump is everything that the store holds.
func (r *rig) dump() string {
	r.t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	err := errors.Join(
		r.memory.ScanDocuments(context.Background(), func(d *store.Document) error { return enc.Encode(d) }),
		r.memory.ScanLog(context.Background(), func(e *store.Entry) error { return enc.Encode(e) }),
	)
	if err != nil {
		r.t.Fatal(err)
	}
	return b.String()
}

// log returns all log rows.
func (r *rig) log() []store.Entry {
	r.t.Helper()
	var rows []store.Entry
	err := r.memory.ScanLog(context.Background(), func(e *store.Entry) error { rows = append(rows, *e); return nil })
	if err != nil {
		r.t.Fatal(err)
	}
	return rows
}

// current returns the document as it is stored.
func (r *rig) current() *store.Document {
	r.t.Helper()
	doc, err := r.memory.Get(context.Background(), ref)
	if err != nil {
		r.t.Fatal(err)
	}
	return doc
}

// holds checks version and body of the stored document.
func (r *rig) holds(version int64, body string) {
	r.t.Helper()
	if doc := r.current(); doc.Version != version || string(doc.Body) != body {
		r.t.Errorf("stored is version %d, %s; want version %d, %s", doc.Version, doc.Body, version, body)
	}
}

// verified checks that the store contradicts itself nowhere.
func (r *rig) verified() {
	r.t.Helper()
	report, err := audit.Verify(context.Background(), r.memory, r.chain)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range report.Findings {
		r.t.Errorf("%s rev %d: %s", f.Ref.ID, f.Rev, f.Message)
	}
}

// noQueues checks that no write has left its queue behind.
func (r *rig) noQueues() {
	r.t.Helper()
	r.engine.queues.mu.Lock()
	defer r.engine.queues.mu.Unlock()
	if n := len(r.engine.queues.byRef); n != 0 {
		r.t.Errorf("%d queues are left", n)
	}
}

// noon is where the clocks of tests start.
var noon = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
