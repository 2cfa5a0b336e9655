package guard_test

import (
	"net/http"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/guard"
)

// TestHide: what somebody may not see is in no answer, and stays where they write.
func TestHide(t *testing.T) {
	var asked []string
	a := serve(t, newMapStore(), guard.Options{Hide: []string{"/salary"}, MayRead: func(r *http.Request, path string, document []byte) bool {
		asked = append(asked, path+" "+string(document))
		return r.Header.Get("X-Writer") == "admin"
	}})
	if got := a.must(201, "PUT", "1", `{"salary":1,"n":1}`); got.body != `{"n":1}` || got.header.Get("ETag") != "" {
		t.Errorf("created %v %s", got.header, got.body)
	}
	if len(asked) == 0 || asked[0] != "/salary " {
		t.Errorf("asked about %q", asked)
	}
	if got := a.must(200, "PUT", "1", `{"n":2}`, "If-Match", `"1"`); got.body != `{"n":2}` {
		t.Errorf("replaced %s", got.body)
	}
	if got := a.must(200, "GET", "1", ""); got.body != `{"n":2}` || got.header.Get("Cache-Control") != "private, no-cache" || got.header.Get("Ifmatch-ETag") != `"2"` {
		t.Errorf("read %v %s", got.header, got.body)
	}
	if got := a.must(200, "GET", "1", "", "X-Writer", "admin"); got.body != `{"n":2,"salary":1}` || got.header.Get("ETag") != `"2"` {
		t.Errorf("who may reads %v %s", got.header, got.body)
	}
}

func TestHideRefused(t *testing.T) {
	all := func(*http.Request, string, []byte) bool { return true }
	for name, o := range map[string]guard.Options{
		"nobody is asked":   {Hide: []string{"/a"}},
		"nothing is hidden": {MayRead: all},
		"in the tag":        {Hide: []string{"/a"}, MayRead: all, Contract: ifmatch.Contract{Token: ifmatch.TokenHash}},
		"no pointer":        {Hide: []string{"a"}, MayRead: all},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			guard.New(newMapStore(), o)
		})
	}
}
