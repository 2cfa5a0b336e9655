package httpapi

import (
	"context"
	"strings"

	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// change is one entry of a feed, and the document that it is about, as its reader
// may see it.
type change struct {
	*store.Entry
	*followed
}

// followed is a document that a feed tells of, and what of its history its reader may
// see.
type followed struct {
	door.Target
	past engine.Past
}

// visible returns the entries that the caller of a feed may know of: those of
// documents that are served, and that the access rules let them read with their
// history.
func (f *feed) visible(ctx context.Context, entries []store.Entry) ([]change, error) {
	changes := make([]change, 0, len(entries))
	targets := make(map[store.Ref]*followed, len(entries)) // nil for none that is served
	for i := range entries {
		e := &entries[i]
		t, known := targets[e.Ref]
		if !known {
			var err error
			if t, err = f.target(ctx, &e.Ref); err != nil {
				return nil, err
			}
			targets[e.Ref] = t
		}
		if t != nil && t.past.Shows(e.Life) {
			changes = append(changes, change{Entry: e, followed: t})
		}
	}
	return changes, nil
}

// target returns what a change of a document is about, nil where that is not served.
func (f *feed) target(ctx context.Context, ref *store.Ref) (*followed, error) {
	to, path, served := f.to, f.path, true
	if f.all() {
		to, path, served = f.server.router.locate(ref)
	} else if ref.ID != "" {
		path += "/" + ref.ID
	}
	if !served {
		return nil, nil
	}
	t := &followed{Target: door.Target{Ref: *ref, Rules: to.rules, Path: path, Dialect: to.dialect}}
	f.server.authorize(f.request, &t.Target, to.authority)
	var err error
	t.past, err = f.server.door.Engine.Following(ctx, *ref, t.Rules, t.Authority)
	return t, err
}

// append appends a change as the caller sees it. A deletion has no entity tag, and
// neither has it data; nor has a version whose body is no longer kept.
func (f *feed) append(dst []byte, c *change) ([]byte, error) {
	f.server.door.Tell(f.request, c.Rules, c.Target.Ref, c.Version)
	w := jsonvalue.NewWriter(dst).Open('{')
	if f.all() {
		w.Name("collection").String(c.Entry.Ref.Part.Collection).Name("path").String(c.Path)
	}
	w.Name("id").String(c.Entry.Ref.ID).Name("version").Int(c.Version)
	if c.Action != store.ActionDelete {
		w.Name("etag").String(engine.ETagOfEntry(c.Entry, &c.Rules.Contract).String())
	}
	w.Name("action").String(string(c.Action)).Name("at").Time(c.At).NonEmpty("by", c.Actor.Name)
	if f.data && c.Body != nil {
		data, err := f.shown(c)
		if err != nil {
			return nil, err
		}
		w.Name("data").Raw(data)
	}
	return w.Close('}').Bytes(), nil
}

// shown returns what the caller sees of a change's document. That was judged on the
// document as it stood when the change had been read.
func (f *feed) shown(c *change) ([]byte, error) {
	head := store.Head{Ref: c.Target.Ref, Rev: c.Rev, Version: c.Version, Life: c.Life, Digest: c.Digest, At: c.At}
	return f.server.door.Engine.Show(c.Rules, c.Body, &head, false, c.past.View(c.Life))
}

// locate returns the route of a document that is stored and its path, or false for
// one that is not served.
func (rt *router) locate(ref *store.Ref) (to route, path string, ok bool) {
	c := rt.named[ref.Part.Collection]
	switch {
	case c != nil:
		if path, ok = c.pathUnder(ref.Part.Params); !ok || c.Singleton != (ref.ID == "") {
			return route{}, "", false
		}
	case rt.rules == nil || ref.Part.Params != "" || ref.ID == "":
		return route{}, "", false
	default:
		path = "/v1/" + ref.Part.Collection
	}
	if ref.ID != "" {
		path += "/" + ref.ID
	}
	to, ok = rt.match(path)
	return to, path, ok && to.ref == *ref
}

// pathUnder returns the collection's path under the values of its parameters, or
// false where it has not that many.
func (c *Collection) pathUnder(params string) (path string, ok bool) {
	values := strings.Split(params, "/")
	if params == "" {
		values = nil
	}
	for segment := range strings.SplitSeq(c.Path[1:], "/") {
		if segment[0] == '{' {
			if len(values) == 0 {
				return "", false
			}
			segment, values = values[0], values[1:]
		}
		path += "/" + segment
	}
	return path, len(values) == 0
}
