package problem

import (
	"time"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// staleMessage is the message of a stale write in the envelope dialect.
const staleMessage = "Version mismatch — read fresh and retry"

// Append appends the document as application/problem+json to dst and returns
// the longer slice.
func (d *Document) Append(dst []byte) []byte {
	w := jsonvalue.NewWriter(dst).Open('{')
	d.appendHead(w)
	w.NonEmpty("correlationId", d.CorrelationID)
	d.appendRest(w)
	return w.Close('}').Bytes()
}

// AppendEnvelope appends the document in the envelope dialect to dst:
// {"error":{"code":…,"message":…,"correlationId":…, …}}. The code is in upper
// snake case and the message is the detail, except that a stale write is
// CONFLICT with a fixed message. The members of the problem document follow.
func (d *Document) AppendEnvelope(dst []byte) []byte {
	w := jsonvalue.NewWriter(dst).Open('{').Name("error").Open('{').Name("code").String(d.Code.envelope())
	message := d.detail()
	if d.Code == Stale {
		message = staleMessage
	}
	w.Name("message").String(message)
	w.NonEmpty("correlationId", d.CorrelationID)
	d.appendHead(w)
	d.appendRest(w)
	return w.Close('}').Close('}').Bytes()
}

// appendHead appends the members that RFC 9457 names.
func (d *Document) appendHead(w *jsonvalue.Writer) {
	w.Name("type").String(d.Code.Type())
	w.NonEmpty("title", d.Code.Title())
	w.Name("status").Int(int64(d.StatusCode()))
	w.NonEmpty("detail", d.detail())
	if d.CorrelationID != "" {
		w.Name("instance").String("urn:uuid:" + d.CorrelationID)
	}
}

// appendRest appends the members that are this product's extensions.
func (d *Document) appendRest(w *jsonvalue.Writer) {
	w.NonEmpty("resource", d.Resource)
	w.NonEmpty("action", d.Action)
	w.NonEmpty("yourEtag", d.YourETag)
	w.NonZero("yourVersion", d.YourVersion)
	w.NonEmpty("currentEtag", d.CurrentETag)
	w.NonZero("currentVersion", d.CurrentVersion)
	if !d.ChangedAt.IsZero() {
		w.Name("changedAt").Time(d.ChangedAt)
	}
	w.NonEmpty("changedBy", d.ChangedBy)
	if d.Deleted {
		w.Name("deleted").Bool(true)
	}
	if d.AlreadyApplied != nil {
		w.Name("alreadyApplied").Bool(*d.AlreadyApplied)
	}
	appendChanges(w, d.Changes)
	if d.Conflict != nil {
		d.Conflict.Write(w)
	}
	texts(w, "strategies", d.Strategies)
	w.NonZero("retryAfterMs", ceil(d.RetryAfter, time.Millisecond))
	w.NonEmpty("advice", string(d.Advice))
	if d.FailedIndex != nil {
		w.Name("failedIndex").Int(int64(*d.FailedIndex))
	}
	appendFaults(w, d.Faults)
	texts(w, "allowed", d.Allowed)
}

// appendChanges prints an empty list too: only nil says that nobody has looked.
func appendChanges(w *jsonvalue.Writer, changes []Change) {
	if changes == nil {
		return
	}
	w.Name("changes").Open('[')
	for i := range changes {
		change := &changes[i]
		w.Open('{').Name("path").String(change.Path)
		w.NonEmpty("op", change.Op)
		raw(w, "from", change.From)
		raw(w, "to", change.To)
		w.NonZero("version", change.Version)
		w.NonEmpty("by", change.By)
		w.Close('}')
	}
	w.Close(']')
}

// Append appends the conflict as an object of its own to dst, and returns the
// longer slice.
func (c *Conflict) Append(dst []byte) []byte {
	w := jsonvalue.NewWriter(dst).Open('{')
	c.Write(w)
	return w.Close('}').Bytes()
}

// Write writes the members that the conflict has in a document, "conflicts" and
// "mergeable", into an object that is open.
func (c *Conflict) Write(w *jsonvalue.Writer) {
	w.Name("conflicts").Open('[')
	for i := range c.Disputes {
		d := &c.Disputes[i]
		w.Open('{').Name("path").String(d.Path)
		raw(w, "key", d.Key)
		texts(w, "together", d.Together)
		raw(w, "base", d.Base)
		raw(w, "theirs", d.Theirs)
		raw(w, "yours", d.Yours)
		w.NonEmpty("rule", d.Rule)
		w.NonEmpty("reason", d.Reason)
		texts(w, "mayResolve", d.MayResolve)
		w.Close('}')
	}
	w.Close(']').Name("mergeable").Bool(c.Mergeable)
}

func appendFaults(w *jsonvalue.Writer, faults []Fault) {
	if len(faults) == 0 {
		return
	}
	w.Name("faults").Open('[')
	for i := range faults {
		w.Open('{').Name("pointer").String(faults[i].Pointer).Name("detail").String(faults[i].Detail).Close('}')
	}
	w.Close(']')
}

// ceil returns d in units, rounded up, 0 for what is not positive.
func ceil(d, unit time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64((d-1)/unit) + 1
}

// raw writes a member that is a JSON text, and nothing for none.
func raw(w *jsonvalue.Writer, name string, value []byte) {
	if len(value) > 0 {
		w.Name(name).Raw(value)
	}
}

// texts writes a member that is an array of strings, and nothing for none.
func texts(w *jsonvalue.Writer, name string, values []string) {
	if len(values) == 0 {
		return
	}
	w.Name(name).Open('[')
	for _, v := range values {
		w.String(v)
	}
	w.Close(']')
}
