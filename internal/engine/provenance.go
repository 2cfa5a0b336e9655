package engine

import (
	"context"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/contribution"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/view"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// Contributions returns what a document is made of, in the order in which it came and
// as far as it is seen. A document that is not there is refused as not found.
func (e *Engine) Contributions(ctx context.Context, ref store.Ref, rules *Rules, a Authority) ([]contribution.Contribution, error) {
	reading, had, err := e.readContributed(ctx, ref, rules, a, ifmatch.Conditions{})
	if err != nil {
		return nil, err
	}
	v, err := e.ViewOf(rules, a, reading.Document)
	for i := range had.all {
		had.all[i].Data = v.Value(had.all[i].Data)
	}
	return had.all, err
}

// Contribution returns one of what a document is made of, as far as it is seen. It
// fails with a [*Refusal]: not found where it is not, or no longer, or where there is
// no document, which Current tells.
func (e *Engine) Contribution(ctx context.Context, ref store.Ref, rules *Rules, a Authority, id string) (*contribution.Contribution, error) {
	reading, had, err := e.readContributed(ctx, ref, rules, a, ifmatch.Conditions{})
	if err != nil {
		return nil, err
	}
	for i := range had.all {
		if had.all[i].ID == id {
			v, err := e.ViewOf(rules, a, reading.Document)
			had.all[i].Data = v.Value(had.all[i].Data)
			return &had.all[i], err
		}
	}
	return nil, &Refusal{Reason: ReasonNotFound, Current: reading.Document}
}

// ReadTraced is [Engine.Read], and returns the value of _provenance: which
// contribution each place of the document that is seen comes of.
func (e *Engine) ReadTraced(ctx context.Context, ref store.Ref, rules *Rules, a Authority, c ifmatch.Conditions) (Reading, []byte, error) {
	reading, had, err := e.readContributed(ctx, ref, rules, a, c)
	if err != nil {
		return reading, nil, err
	}
	v, err := e.ViewOf(rules, a, reading.Document)
	if err != nil {
		return reading, nil, err
	}
	provenance, err := e.provenance(reading.Document.Body, &had, rules, v)
	if err != nil {
		return reading, nil, e.refusalOf(err, reading.Document)
	}
	return reading, provenance, nil
}

// readContributed reads a document and what it is made of, both as they stood at
// one time.
func (e *Engine) readContributed(ctx context.Context, ref store.Ref, rules *Rules, a Authority, c ifmatch.Conditions) (Reading, contributed, error) {
	for range e.maxRounds {
		reading, err := e.Read(ctx, ref, rules, a, c)
		if err != nil {
			return reading, contributed{}, err
		}
		had, err := e.contributedTo(ctx, reading.Document, rules)
		if err == errLostRace {
			continue
		}
		if err != nil {
			return reading, had, e.refusalOf(err, reading.Document)
		}
		return reading, had, nil
	}
	return Reading{}, contributed{}, &Refusal{Reason: ReasonContended, RetryAfter: time.Second}
}

// provenance says where the values of a stored document come from: one object for
// each place, or a list of them where several contributions make the value. A place
// that does not have the value that the contributions make of it, since the rules
// were others when it was materialised, is left out.
func (e *Engine) provenance(body []byte, had *contributed, rules *Rules, v *view.View) ([]byte, error) {
	stored, err := e.parseStored(body)
	if err != nil {
		return nil, err
	}
	_, origins := rules.Contributions.Rules.Trace(had.all)
	w := jsonvalue.NewWriter(nil).Open('{')
	for i := range origins {
		o := &origins[i]
		if v.Hides(o.Path) || !jsonvalue.Identical(v.At(o.Path, o.Value), v.At(o.Path, stored.At(o.Path))) {
			continue
		}
		if w.Name(o.Path.String()); len(o.Of) == 1 {
			writeOrigin(w.Open('{'), o.Of[0]).Close('}')
			continue
		}
		w.Open('[')
		for _, c := range o.Of {
			writeOrigin(w.Open('{'), c).Close('}')
		}
		w.Close(']')
	}
	return w.Close('}').Bytes(), nil
}

// writeOrigin writes the members that tell where a value comes from.
func writeOrigin(w *jsonvalue.Writer, c *contribution.Contribution) *jsonvalue.Writer {
	return w.Name("source").String(c.Source).Name("confidence").Value(c.Confidence).Name("observedAt").String(c.ObservedAt.Text)
}

// AppendContribution appends a contribution as its readers see it.
func AppendContribution(dst []byte, c *contribution.Contribution) []byte {
	w := jsonvalue.NewWriter(dst).Open('{').Name("id").String(c.ID)
	writeOrigin(w, c).Name("at").Time(c.At).NonEmpty("by", c.By)
	return w.Name("data").Value(c.Data).Close('}').Bytes()
}

// provenanceOf returns the value of _provenance as a read would show it now, of
// the places that have the values that they have in v.
func (w *write) provenanceOf(ctx context.Context, v jsonvalue.Value) (jsonvalue.Value, error) {
	_, had, err := w.engine.readContributed(ctx, w.intent.Ref, w.intent.Rules, w.intent.Authority, ifmatch.Conditions{})
	if err != nil {
		return v, err
	}
	text, err := w.engine.provenance(v.Append(nil), &had, w.intent.Rules, w.view)
	if err != nil {
		return v, err
	}
	return w.engine.parseStored(text)
}
