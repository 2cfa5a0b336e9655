package engine

import (
	"context"

	"github.com/ifmatch/ifmatch/internal/store"
)

// maxSifted bounds the documents that are looked at for one page beyond those on it.
const maxSifted = 1000

// List returns a page of those documents of a part that its reader may read, as q
// says. Where that depends on the documents, which [Rules.MayRead] tells, the page may
// end short, or empty, with More set, and Head and Last tell of documents that its
// reader may not know of. It fails with a [*Refusal].
func (e *Engine) List(ctx context.Context, part store.Part, rules *Rules, a Authority, q store.ListQuery) (store.Page, error) {
	if err := rules.barred(a, []Action{ActRead}); err != nil {
		return store.Page{}, err
	}
	if rules.MayRead(a) == Depends {
		return e.sift(ctx, part, rules, a, q)
	}
	page, err := e.store.List(ctx, part, q)
	if err != nil {
		return store.Page{}, e.refusalOf(err, nil)
	}
	return page, nil
}

// sift lists the documents that their reader may read. What is asked for at once is
// never more than there is room for, so that no document is passed over that is.
func (e *Engine) sift(ctx context.Context, part store.Part, rules *Rules, a Authority, q store.ListQuery) (store.Page, error) {
	var all store.Page
	room := q.Limit
	for seen := 0; ; {
		q.Limit = room - len(all.Documents)
		page, err := e.store.List(ctx, part, q)
		if err != nil {
			return store.Page{}, e.refusalOf(err, nil)
		}
		if seen == 0 {
			all.Head = page.Head
		}
		for _, doc := range page.Documents {
			value, err := e.parseStored(doc.Body)
			if err != nil {
				return store.Page{}, err
			}
			if a.May(ActRead, value) == Yes {
				all.Documents = append(all.Documents, doc)
			}
		}
		seen += len(page.Documents)
		all.More, all.Last = page.More, page.Last
		if !page.More || len(all.Documents) == room || seen >= room+maxSifted || len(page.Documents) == 0 {
			return all, nil
		}
		q.After = page.Last
	}
}
