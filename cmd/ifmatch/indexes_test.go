package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestIndexesOfAPolicy: a list can be filtered and sorted by what the policy
// declares, also documents that are older than the declaration, and by nothing
// else. A change is told of when it is carried out, and only then.
func TestIndexesOfAPolicy(t *testing.T) {
	dir := t.TempDir()
	store := "sqlite:" + filepath.Join(dir, "docs.db")
	run := func(policy string, use func(url string)) (said string) {
		t.Helper()
		args := []string{"serve", "--listen", "127.0.0.1:0", "--store", store}
		if policy != "" {
			args = append(args, "--config", writeFile(t, filepath.Join(dir, "policy.yaml"), policy))
		}
		s := serve(t, program(t, nil, args...))
		if use != nil {
			use(s.url)
		}
		return s.stop()
	}
	run("", func(url string) {
		for id, body := range map[string]string{"a": `{"age":10}`, "b": `{"age":9.5}`, "c": `{"age":"10"}`, "d": `{}`} {
			for _, list := range []string{"/v1/notes/", "/v1/drafts/"} {
				if resp, body := ask(t, "PUT", url+list+id, body); resp.StatusCode != http.StatusCreated {
					t.Fatalf("%s: %s", resp.Status, body)
				}
			}
		}
		if resp, body := ask(t, "GET", url+"/v1/notes?age=10", ""); resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, "Nothing is declared") {
			t.Errorf("without a policy: %s %s", resp.Status, body)
		}
	})
	for _, tt := range []struct {
		name, policy string
		lists        map[string]string // the path of a list to its ids; "" is refused
		indexed      []string          // the collections that are read for it
	}{
		{"a number", "collections: [{name: notes, indexes: [{path: /age, type: number}]}, {name: fresh, indexes: [/title]}]",
			map[string]string{"/v1/notes?sort=age": "c d b a", "/v1/notes?age.gte=9.5": "a b", "/v1/fresh?title=x": "none", "/v1/notes?title=x": ""}, []string{"notes"}},
		{"the same again", "collections: [{name: notes, indexes: [{path: /age, type: number}]}, {name: fresh, indexes: [/title]}]",
			map[string]string{"/v1/notes?sort=-age": "a b d c"}, nil},
		{"in another order", "collections: [{name: notes, indexes: [/title, {path: /age, type: number}]}]",
			map[string]string{"/v1/notes?sort=age": "c d b a", "/v1/notes?sort=title": "a b c d"}, []string{"notes"}},
		{"which is none", "collections: [{name: notes, indexes: [{path: /age, type: number}, /title]}]",
			map[string]string{"/v1/notes?sort=age": "c d b a"}, nil},
		{"another type", "collections: [{name: notes, indexes: [/age]}]",
			map[string]string{"/v1/notes?sort=age": "a b d c", "/v1/notes?age=10": "c", "/v1/notes?title=x": ""}, []string{"notes"}},
		{"of the default", "default: {indexes: [{path: /age, type: number}]}",
			map[string]string{"/v1/notes?age=10": "a", "/v1/drafts?sort=age": "c d b a", "/v1/new?age=10": "none"}, []string{"drafts", "notes"}},
		{"of the default beside a name", "default: {indexes: [{path: /age, type: number}]}\ncollections: [{name: notes}]",
			map[string]string{"/v1/notes?age=10": "", "/v1/drafts?sort=age": "c d b a"}, []string{"notes"}},
		{"none", "", map[string]string{"/v1/notes?age=10": "", "/v1/drafts?sort=age": ""}, []string{"drafts"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			said := run(tt.policy, func(url string) {
				for path, want := range tt.lists {
					resp, body := ask(t, "GET", url+path, "")
					var page struct{ Items []struct{ ID string } }
					if err := json.Unmarshal([]byte(body), &page); err != nil {
						t.Fatal(err)
					}
					ids := []string{}
					for _, item := range page.Items {
						ids = append(ids, item.ID)
					}
					switch got := strings.Join(ids, " "); {
					case want == "" && (resp.StatusCode != http.StatusBadRequest || got != ""),
						want == "none" && (resp.StatusCode != http.StatusOK || got != ""),
						want != "" && want != "none" && got != want:
						t.Errorf("%s: %s, %q, want %q: %s", path, resp.Status, got, want, body)
					}
				}
			})
			var lines []string
			for line := range strings.Lines(said) {
				if strings.Contains(line, "the collection is indexed") {
					lines = append(lines, line)
				}
			}
			if len(lines) != len(tt.indexed) {
				t.Fatalf("%d collections are indexed, want %q: %s", len(lines), tt.indexed, said)
			}
			for i, name := range tt.indexed {
				if want := fmt.Sprintf("collection=%s documents=4 took=", name); !strings.Contains(lines[i], want) || !strings.Contains(lines[i], "level=INFO") {
					t.Errorf("%swant %s", lines[i], want)
				}
			}
		})
	}
	run("collections: [{name: notes, indexes: [/age, /title]}]", nil)
	out, err := program(t, nil, "verify", "--store", store).CombinedOutput()
	if err != nil || !strings.Contains(string(out), ", 8 index rows: all agree") {
		t.Errorf("verify: %v, %s", err, out)
	}
}
