package problem

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// staleMessage is the message of a stale write in the envelope dialect.
const staleMessage = "Version mismatch — read fresh and retry"

// timeLayout is RFC 3339 in UTC with milliseconds, always three digits of them.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Append appends the document as application/problem+json to dst and returns
// the longer slice.
func (d *Document) Append(dst []byte) []byte {
	o := object{dst: append(dst, '{')}
	d.appendHead(&o)
	o.optional("correlationId", d.CorrelationID)
	d.appendRest(&o)
	return append(o.dst, '}')
}

// AppendEnvelope appends the document in the envelope dialect to dst:
// {"error":{"code":…,"message":…,"correlationId":…, …}}. The code is in upper
// snake case and the message is the detail, except that a stale write is
// CONFLICT with a fixed message. The members of the problem document follow.
func (d *Document) AppendEnvelope(dst []byte) []byte {
	o := object{dst: append(dst, `{"error":{`...)}
	o.text("code", d.Code.envelope())
	message := d.detail()
	if d.Code == Stale {
		message = staleMessage
	}
	o.text("message", message)
	o.optional("correlationId", d.CorrelationID)
	d.appendHead(&o)
	d.appendRest(&o)
	return append(o.dst, "}}"...)
}

// appendHead appends the members that RFC 9457 names.
func (d *Document) appendHead(o *object) {
	o.text("type", d.Code.Type())
	o.optional("title", d.Code.Title())
	o.name("status")
	o.dst = strconv.AppendInt(o.dst, int64(d.StatusCode()), 10)
	o.optional("detail", d.detail())
	if d.CorrelationID != "" {
		o.text("instance", "urn:uuid:"+d.CorrelationID)
	}
}

// appendRest appends the members that are this product's extensions.
func (d *Document) appendRest(o *object) {
	o.optional("resource", d.Resource)
	o.optional("action", d.Action)
	o.optional("yourEtag", d.YourETag)
	o.number("yourVersion", d.YourVersion)
	o.optional("currentEtag", d.CurrentETag)
	o.number("currentVersion", d.CurrentVersion)
	if !d.ChangedAt.IsZero() {
		o.name("changedAt")
		o.dst = append(o.dst, '"')
		o.dst = d.ChangedAt.UTC().AppendFormat(o.dst, timeLayout)
		o.dst = append(o.dst, '"')
	}
	o.optional("changedBy", d.ChangedBy)
	if d.Deleted {
		o.bool("deleted", true)
	}
	if d.AlreadyApplied != nil {
		o.bool("alreadyApplied", *d.AlreadyApplied)
	}
	appendChanges(o, d.Changes)
	if d.Conflict != nil {
		d.Conflict.appendMembers(o)
	}
	o.texts("strategies", d.Strategies)
	o.number("retryAfterMs", ceil(d.RetryAfter, time.Millisecond))
	o.optional("advice", string(d.Advice))
	appendFaults(o, d.Faults)
	o.texts("allowed", d.Allowed)
}

// appendChanges prints an empty list too: only nil says that nobody has looked.
func appendChanges(o *object, changes []Change) {
	if changes == nil {
		return
	}
	o.name("changes")
	o.dst = append(o.dst, '[')
	for i := range changes {
		change := &changes[i]
		e := o.element(i)
		e.text("path", change.Path)
		e.optional("op", change.Op)
		e.raw("from", change.From)
		e.raw("to", change.To)
		e.number("version", change.Version)
		e.optional("by", change.By)
		o.dst = append(e.dst, '}')
	}
	o.dst = append(o.dst, ']')
}

// Append appends the conflict as an object of its own to dst, with the members
// "conflicts" and "mergeable" that it has in a document, and returns the longer
// slice.
func (c *Conflict) Append(dst []byte) []byte {
	o := object{dst: append(dst, '{')}
	c.appendMembers(&o)
	return append(o.dst, '}')
}

func (c *Conflict) appendMembers(o *object) {
	o.name("conflicts")
	o.dst = append(o.dst, '[')
	for i := range c.Disputes {
		d := &c.Disputes[i]
		e := o.element(i)
		e.text("path", d.Path)
		e.raw("key", d.Key)
		e.texts("together", d.Together)
		e.raw("base", d.Base)
		e.raw("theirs", d.Theirs)
		e.raw("yours", d.Yours)
		e.optional("rule", d.Rule)
		e.optional("reason", d.Reason)
		e.texts("mayResolve", d.MayResolve)
		o.dst = append(e.dst, '}')
	}
	o.dst = append(o.dst, ']')
	o.bool("mergeable", c.Mergeable)
}

func appendFaults(o *object, faults []Fault) {
	if len(faults) == 0 {
		return
	}
	o.name("faults")
	o.dst = append(o.dst, '[')
	for i := range faults {
		e := o.element(i)
		e.text("pointer", faults[i].Pointer)
		e.text("detail", faults[i].Detail)
		o.dst = append(e.dst, '}')
	}
	o.dst = append(o.dst, ']')
}

// ceil returns d in units, rounded up, 0 for what is not positive.
func ceil(d, unit time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64((d-1)/unit) + 1
}

// object appends the members of one JSON object. It knows by itself where
// commas go.
type object struct {
	dst []byte
	any bool
}

// element opens the next object of an array. Who calls closes it.
func (o *object) element(i int) object {
	if i > 0 {
		o.dst = append(o.dst, ',')
	}
	return object{dst: append(o.dst, '{')}
}

func (o *object) name(name string) {
	if o.any {
		o.dst = append(o.dst, ',')
	}
	o.any = true
	o.dst = append(o.dst, '"')
	o.dst = append(o.dst, name...)
	o.dst = append(o.dst, '"', ':')
}

func (o *object) text(name, value string) {
	o.name(name)
	o.dst = appendString(o.dst, value)
}

func (o *object) optional(name, value string) {
	if value != "" {
		o.text(name, value)
	}
}

func (o *object) texts(name string, values []string) {
	if len(values) == 0 {
		return
	}
	o.name(name)
	o.dst = append(o.dst, '[')
	for i, v := range values {
		if i > 0 {
			o.dst = append(o.dst, ',')
		}
		o.dst = appendString(o.dst, v)
	}
	o.dst = append(o.dst, ']')
}

func (o *object) number(name string, value int64) {
	if value != 0 {
		o.name(name)
		o.dst = strconv.AppendInt(o.dst, value, 10)
	}
}

func (o *object) bool(name string, value bool) {
	o.name(name)
	o.dst = strconv.AppendBool(o.dst, value)
}

func (o *object) raw(name string, value []byte) {
	if len(value) > 0 {
		o.name(name)
		o.dst = append(o.dst, value...)
	}
}

// appendString appends s as a JSON string (RFC 8259 §7). Bytes that are not
// UTF-8, which entity tags may hold, become U+FFFD.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(append(dst, s[start:i]...), '\\', c)
		case c < ' ':
			dst = append(append(dst, s[start:i]...), '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			i++
			continue
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			dst = append(append(dst, s[start:i]...), "\uFFFD"...)
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}
