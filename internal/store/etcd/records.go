package etcd

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
)

// The values of keys. They are JSON, but for bodies and answers, whose bytes follow
// behind what is said of them.

// meta is what the store is.
type meta struct {
	Layout int    `json:"layout"`
	ID     string `json:"id"`
	Epoch  int64  `json:"epoch"`
}

// tail is where the feed ends.
type tail struct {
	Position int64 `json:"position"`
	Pruned   int64 `json:"pruned,omitempty"` // the greatest position of a row that was purged
	Floor    int64 `json:"floor,omitempty"`  // of every part, and of every fence; a restore raises it
}

// part is what is known of a part as a whole.
type part struct {
	Floor  int64 `json:"floor,omitempty"`
	Head   int64 `json:"head"` // position of the newest commit
	Pruned int64 `json:"pruned,omitempty"`
}

// indexes are what a collection's documents are under.
type indexes struct {
	Names []string `json:"names"`
	Whole bool     `json:"whole"`
}

// head is a document without its body. Next is not in it: the part's floor decides.
type head struct {
	Rev        int64      `json:"rev"`
	Version    int64      `json:"version"`
	Life       int64      `json:"life"`
	Deleted    bool       `json:"deleted,omitempty"`
	At         time.Time  `json:"at"`
	SameSecond bool       `json:"sameSecond,omitempty"`
	Digest     []byte     `json:"digest,omitempty"`
	Link       []byte     `json:"link,omitempty"`
	Position   int64      `json:"position"`
	Lease      *lease     `json:"lease,omitempty"`
	Fence      int64      `json:"fence,omitempty"` // of the newest lease ever granted
	Keys       []indexKey `json:"keys,omitempty"`
}

type lease struct {
	ID      string    `json:"id"`
	Fence   int64     `json:"fence"`
	Expires time.Time `json:"expires"`
}

type indexKey struct {
	Index string `json:"index"`
	Key   []byte `json:"key"`
}

func headOf(h *store.Head, fence int64, keys []store.IndexKey) *head {
	stored := &head{
		Rev: h.Rev, Version: h.Version, Life: h.Life, Deleted: h.Deleted, At: h.At.UTC(), SameSecond: h.SameSecond,
		Digest: digestBytes(h.Digest), Link: h.Link, Position: h.Position, Lease: leaseOf(h.Lease), Fence: fence,
	}
	for _, k := range keys {
		stored.Keys = append(stored.Keys, indexKey(k))
	}
	return stored
}

// of returns the head of ref in a part with the given floor.
func (h *head) of(ref store.Ref, floor int64) store.Head {
	return store.Head{
		Ref: ref, Rev: h.Rev, Version: h.Version, Next: max(h.Version, floor) + 1, Life: h.Life, Deleted: h.Deleted,
		At: h.At, SameSecond: h.SameSecond, Digest: digestOf(h.Digest), Link: h.Link, Entries: h.Rev,
		Position: h.Position, Lease: h.Lease.of(),
	}
}

func (h *head) keys() []store.IndexKey {
	var keys []store.IndexKey
	for _, k := range h.Keys {
		keys = append(keys, store.IndexKey(k))
	}
	return keys
}

func leaseOf(l *store.Lease) *lease {
	if l == nil {
		return nil
	}
	return &lease{ID: l.ID, Fence: l.Fence, Expires: l.Expires.UTC()}
}

func (l *lease) of() *store.Lease {
	if l == nil {
		return nil
	}
	return &store.Lease{ID: l.ID, Fence: l.Fence, Expires: l.Expires}
}

// logRow is a log row, and beside it what a receipt tells of the head that it left.
type logRow struct {
	Position    int64     `json:"position"`
	Rev         int64     `json:"rev"`
	Version     int64     `json:"version"`
	Life        int64     `json:"life"`
	At          time.Time `json:"at"`
	CommitID    []byte    `json:"commit"`
	Correlation string    `json:"correlation,omitempty"`
	Actor       string    `json:"actor,omitempty"`
	Roles       []string  `json:"roles,omitempty"`
	Action      string    `json:"action"`
	Outcome     string    `json:"outcome,omitempty"`
	Base        int64     `json:"base,omitempty"`
	Blind       bool      `json:"blind,omitempty"`
	MergedFrom  int64     `json:"mergedFrom,omitempty"`
	Decisions   []byte    `json:"decisions,omitempty"`
	Link        []byte    `json:"link,omitempty"`
	Digest      []byte    `json:"digest,omitempty"`

	Next       int64     `json:"next"`
	ContentAt  time.Time `json:"contentAt"` // of the head, which a touch leaves
	SameSecond bool      `json:"sameSecond,omitempty"`
	Deleted    bool      `json:"deleted,omitempty"`
	Lease      *lease    `json:"lease,omitempty"`
	Granted    int64     `json:"granted,omitempty"` // the fence of a lease that it granted
}

func rowOf(c *store.Commit, w *store.Write, h *store.Head, granted int64) *logRow {
	return &logRow{
		Position: h.Position, Rev: h.Rev, Version: h.Version, Life: h.Life, At: w.At.UTC(),
		CommitID: c.ID[:], Correlation: c.Correlation, Actor: c.Actor.Name, Roles: c.Actor.Roles,
		Action: string(w.Log.Action), Outcome: w.Log.Outcome, Base: w.Log.Base, Blind: w.Log.Blind, MergedFrom: w.Log.MergedFrom,
		Decisions: w.Log.Decisions, Link: w.Log.Link, Digest: digestBytes(h.Digest),
		Next: h.Next, ContentAt: h.At.UTC(), SameSecond: h.SameSecond, Deleted: h.Deleted, Lease: leaseOf(h.Lease), Granted: granted,
	}
}

// entry returns the row as the store shows it, without a body.
func (r *logRow) entry(ref store.Ref) store.Entry {
	return store.Entry{
		Log: store.Log{
			Action: store.Action(r.Action), Outcome: r.Outcome, Base: r.Base, Blind: r.Blind, MergedFrom: r.MergedFrom,
			Decisions: r.Decisions, Link: r.Link,
		},
		Ref: ref, Position: r.Position, CommitID: idOf(r.CommitID), Correlation: r.Correlation,
		Actor: store.Actor{Name: r.Actor, Roles: r.Roles},
		Rev:   r.Rev, Version: r.Version, Life: r.Life, At: r.At, Digest: digestOf(r.Digest),
	}
}

// hasBody tells whether the row stored a body.
func (r *logRow) hasBody() bool {
	return r.Action != string(store.ActionTouch) && !r.Deleted
}

// head returns the head that the row left.
func (r *logRow) head(ref store.Ref) store.Head {
	return store.Head{
		Ref: ref, Rev: r.Rev, Version: r.Version, Next: r.Next, Life: r.Life, Deleted: r.Deleted, At: r.ContentAt,
		SameSecond: r.SameSecond, Digest: digestOf(r.Digest), Link: r.Link, Entries: r.Rev, Position: r.Position, Lease: r.Lease.of(),
	}
}

// change is one write, as the feed has it: where its log row is found. Ids need not
// be text, so they are bytes.
type change struct {
	Collection string `json:"c"`
	Params     []byte `json:"p,omitempty"`
	ID         []byte `json:"i"`
	Rev        int64  `json:"r"`
	Touch      bool   `json:"t,omitempty"`
}

func (c *change) ref() store.Ref {
	return store.Ref{Part: store.Part{Collection: c.Collection, Params: string(c.Params)}, ID: string(c.ID)}
}

// answer is an answer and whose it is.
type answer struct {
	Digest   []byte    `json:"digest"`
	Expires  time.Time `json:"expires"`
	CommitID []byte    `json:"commit"`
	Content  []byte    `json:"-"`
}

func (a *answer) of() store.Answer {
	return store.Answer{Digest: digestOf(a.Digest), Content: a.Content, Expires: a.Expires}
}

func encodeAnswer(a *answer) ([]byte, error) {
	about, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	return append(append(about, '\n'), a.Content...), nil
}

func decodeAnswer(value []byte) (*answer, error) {
	for i, b := range value {
		if b == '\n' {
			a := &answer{Content: value[i+1:]}
			return a, decode(value[:i], a)
		}
	}
	return nil, fmt.Errorf("etcd: an answer of %d bytes says nothing of itself", len(value))
}

// A body stands behind the rev of the row that wrote it.
func encodeBody(rev int64, body []byte) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(body)), uint64(rev)), body...)
}

func decodeBody(value []byte) (rev int64, body []byte, err error) {
	if len(value) < 8 {
		return 0, nil, fmt.Errorf("etcd: a body of %d bytes has no rev", len(value))
	}
	return int64(binary.BigEndian.Uint64(value)), value[8:], nil
}

func decode(value []byte, into any) error {
	if err := json.Unmarshal(value, into); err != nil {
		return fmt.Errorf("etcd: a value cannot be read: %w", err)
	}
	return nil
}

func digestBytes(d [32]byte) []byte {
	if d == ([32]byte{}) {
		return nil
	}
	return d[:]
}

func idOf(b []byte) (id store.ID) {
	copy(id[:], b)
	return id
}

func digestOf(b []byte) (d [32]byte) {
	copy(d[:], b)
	return d
}
