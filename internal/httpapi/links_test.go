package httpapi

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/door"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/internal/store/memory"
)

// TestRoomForLinks: no links are longer than what is left for them to come back.
func TestRoomForLinks(t *testing.T) {
	if room := RoomForLinks(nil); room != 0 {
		t.Errorf("no links take %d bytes", room)
	}
	longest := strings.Repeat("x", ifmatch.MaxName)
	for _, links := range [][]Link{
		{{Rel: "a", Path: "/v1/notes"}},
		{{Rel: longest, Path: "/v1/{a}/{a}/{b}"}, {Rel: "b", Path: "/v1/{a}/notes"}},
	} {
		rules := &engine.Rules{Contract: ifmatch.Contract{Token: ifmatch.TokenHash, Weak: true}}
		s := New(Config{Door: &door.Door{Engine: engine.New(memory.Open(memory.Options{}), engine.Config{})}, Default: rules})
		to := route{ref: store.Ref{Part: store.Part{Params: longest}, ID: longest}, related: relationsOf(links, []string{"a", "b"}, false)}
		value, err := s.links(httptest.NewRequest("GET", "/", nil), to)(context.Background())
		if room := RoomForLinks(links); err != nil || len(value) > room || room > len(value)+300*len(links) {
			t.Errorf("%s is %d bytes, %v; there is room for %d", value, len(value), err, room)
		}
	}
}

// TestHrefs: every parameter of a path is filled in, and nothing else.
func TestHrefs(t *testing.T) {
	for _, tt := range []struct {
		path       string
		collection Collection
		want       string
	}{
		{"/v1/orgs/{orgId}/brand", Collection{Path: "/v1/orgs", Param: "orgId"}, "/v1/orgs/x/brand"},
		{"/v1/{a}/{b}/{id}", Collection{Path: "/v1/{a}/y/{b}/z"}, "/v1/p/q/x"},
		{"/{id}/{id}{id}/{a}", Collection{Path: "/{a}/y/{b}/z"}, "/x/{id}{id}/p"},
		{"/{b}", Collection{Path: "/{a}/{b}/z", Singleton: true}, "/q"},
		{"/{id}", Collection{Path: "/{a}/{b}/z", Singleton: true}, "/{id}"},
		{"/notes", Collection{Path: "/v1/notes"}, "/notes"},
	} {
		c := tt.collection
		c.Links = []Link{{Rel: "it", Path: tt.path}}
		ref := store.Ref{ID: "x"}
		if strings.Contains(c.Path, "{") {
			ref.Part.Params = "p/q"
		}
		if c.Singleton {
			ref.ID = ""
		}
		related := c.relations()
		if got := related.links[0].href(related.valuesOf(&ref)); got != tt.want {
			t.Errorf("%s of %s leads to %s, want %s", tt.path, c.Path, got, tt.want)
		}
	}
}
