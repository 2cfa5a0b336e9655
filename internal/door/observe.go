package door

import (
	"log/slog"
	"net/http"
	"strconv"

	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
)

// Observer remembers what callers were shown of documents, and counts what their
// unconditional writes did, where a contract has that observed. It must be safe for
// concurrent use.
type Observer interface {
	// Tell notes that a caller is told of a version of a document.
	Tell(c Caller, ref store.Ref, version int64)
	// Told returns the newest version that a caller was told of, 0 for none that is
	// known.
	Told(c Caller, ref store.Ref) int64
	// Count counts a write that was carried out.
	Count(collection string, did engine.Result, o engine.Observation)
}

// Caller is who reads and writes, as far as one can be told from another: a principal,
// and one of its programs or windows, which says so itself in Ifmatch-Client.
type Caller struct{ Name, Client string }

// anonymous tells of callers who are all alike.
func (c Caller) anonymous() bool { return c == Caller{} }

func callerOf(r *http.Request, actor store.Actor) Caller {
	return Caller{Name: actor.Name, Client: join(r.Header["Ifmatch-Client"])}
}

// Tell notes that the answer to a request tells its maker of a version of a document.
// That comes before the answer is sent: what it leads to is a write on that version.
func (d *Door) Tell(r *http.Request, rules *engine.Rules, ref store.Ref, version int64) {
	if d.Observer != nil && rules.Contract.Precondition.Observes() {
		d.tell(callerOf(r, d.actor(r)), ref, version)
	}
}

func (d *Door) tell(c Caller, ref store.Ref, version int64) {
	if !c.anonymous() && version > 0 {
		d.Observer.Tell(c, ref, version)
	}
}

// seen is what the maker of a write was shown of the document before they sent it.
func (d *Door) seen(r *http.Request, t Target, actor store.Actor) engine.Seen {
	if !t.Rules.Contract.Precondition.Observes() {
		return engine.Seen{}
	}
	c := callerOf(r, actor)
	if d.Observer == nil || c.anonymous() {
		return engine.Seen{Anonymous: true}
	}
	return engine.Seen{Version: d.Observer.Told(c, t.Ref)}
}

// observe notes what the answer to a write is about to show, and what an unconditional
// one has done. What was answered before has been noted then.
func (d *Door) observe(r *http.Request, in *engine.Intent, out *engine.Outcome) {
	if d.Observer == nil || out == nil || out.Replayed {
		return
	}
	for i, member := range in.Members {
		d.observe(r, member, out.Members[i])
	}
	if !in.Rules.Contract.Precondition.Observes() {
		return
	}
	c := callerOf(r, in.Actor)
	if in.Dry {
		d.tell(c, in.Ref, out.Before.Version)
		return
	}
	d.tell(c, out.Document.Ref, out.Document.Version)
	if o := out.Observed; o != nil {
		d.Observer.Count(in.Ref.Part.Collection, out.Result, *o)
		d.logObserved(r, c, in, out)
	}
}

// maxClient bounds what the log shows of a client's name for itself.
const maxClient = 100

func (d *Door) logObserved(r *http.Request, c Caller, in *engine.Intent, out *engine.Outcome) {
	if d.Log == nil {
		return
	}
	o := out.Observed
	level, message := slog.LevelInfo, "unconditional write"
	if o.Overwriting == engine.OverwroteLost {
		level, message = slog.LevelWarn, "lost update"
	}
	d.Log.LogAttrs(r.Context(), level, message,
		slog.String("correlationId", in.Correlation), slog.String("method", r.Method),
		slog.String("collection", in.Ref.Part.Collection), slog.String("params", in.Ref.Part.Params), slog.String("id", in.Ref.ID),
		slog.String("by", c.Name), slog.String("client", c.Client[:min(len(c.Client), maxClient)]),
		slog.String("outcome", string(out.Result)), slog.String("unconditional", string(o.Overwriting)),
		slog.Int64("overwrote", o.Overwrote), slog.Int64("read", o.Read))
}

// setWarning tells the sender of an unconditional write what it did, and what to send:
// an Item of a Structured Field (RFC 9651 §3.3), a token with parameters.
func setWarning(h http.Header, o *engine.Observation) {
	if o == nil || !o.Warn {
		return
	}
	const send = "Send If-Match with the ETag of what you have read, as writes without a precondition are going to be refused here."
	version, read := strconv.FormatInt(o.Overwrote, 10), strconv.FormatInt(o.Read, 10)
	value, detail := "unconditional", "You sent no precondition, so that you cannot know whether somebody has changed the document since you read it. "
	switch o.Overwriting {
	case engine.OverwroteLost:
		value, detail = "lost-update", "You sent no precondition, had read version "+read+", and overwrote version "+version+", which somebody had made of it since. Read the document and see whether what they changed is still wanted. "
	case engine.OverwroteCurrent:
		detail = "You sent no precondition. Nothing was lost, as you had read the version that you overwrote, but nothing made sure of that. "
	}
	if o.Overwriting != engine.OverwroteUnchanged {
		value += ";overwrote=" + version
	}
	if o.Read > 0 {
		value += ";read=" + read
	}
	h["Ifmatch-Warning"] = []string{value + `;detail="` + detail + send + `"`}
}
