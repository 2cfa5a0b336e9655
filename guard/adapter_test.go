package guard

import (
	"context"
	"testing"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// one is a store of one document, for reading.
type one Document

func (o one) Load(context.Context, string) (Document, error) { return Document(o), nil }

func (o one) LoadVersion(context.Context, string, int64) (Document, error) { return Document(o), nil }

func (o one) CompareAndSwap(context.Context, string, int64, Document) (bool, error) {
	return false, nil
}

// TestDigestsWhereNeeded checks that a body is digested only where tags are made
// of that, and always where it cannot be read, since that says what is wrong.
func TestDigestsWhereNeeded(t *testing.T) {
	const body = `{"n":1}`
	v, err := jsonvalue.Parse([]byte(body), jsonvalue.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		digests bool
		want    [32]byte
	}{
		"tags of the version": {false, [32]byte{}},
		"tags of the content": {true, v.Digest()},
	} {
		t.Run(name, func(t *testing.T) {
			s := one{Body: []byte(body), Version: 1}
			a := &adapter{store: s, historian: s, digests: tt.digests}
			doc, err := a.Get(t.Context(), store.Ref{ID: "1"})
			if err != nil || doc.Digest != tt.want {
				t.Errorf("the document's digest is %x, %v; want %x", doc.Digest, err, tt.want)
			}
			entry, err := a.Entry(t.Context(), store.Ref{ID: "1"}, 1)
			if err != nil || entry.Digest != tt.want {
				t.Errorf("the version's digest is %x, %v; want %x", entry.Digest, err, tt.want)
			}
			s.Body = []byte(`{"n":`)
			a.store = s
			if doc, err := a.Get(t.Context(), store.Ref{ID: "1"}); err == nil {
				t.Errorf("a broken body was loaded: %+v", doc)
			}
		})
	}
}
