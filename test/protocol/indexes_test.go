package protocol_test

import (
	"encoding/json"
	"fmt"
	"net/url"

	"strings"
	"testing"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/engine"
	"github.com/ifmatch/ifmatch/internal/httpapi"
	"github.com/ifmatch/ifmatch/internal/index"
)

// indexes returns those of pointers with types, as in "/age number"; a pointer
// alone is of a string.
func indexes(declared ...string) []*index.Index {
	var all []*index.Index
	for _, d := range declared {
		pointer, typ, ok := strings.Cut(d, " ")
		if !ok {
			typ = string(index.String)
		}
		x, err := index.New(pointer, index.Type(typ))
		if err != nil {
			panic(err) // the test declares what is none
		}
		all = append(all, x)
	}
	return index.Sorted(all)
}

var people = []string{"/name", "/age number", "/address/city", "/admin boolean", "/seen time"}

// walk returns the ids of a whole list, page by page.
func (a *api) walk(path string) []string {
	a.t.Helper()
	var all []string
	for page := path; ; {
		var got listPage
		if err := json.Unmarshal([]byte(a.must(200, "GET", page, "").body), &got); err != nil {
			a.t.Fatal(err)
		}
		for _, item := range got.Items {
			all = append(all, item.ID)
		}
		if got.Next == nil {
			return all
		}
		join := "?"
		if strings.Contains(path, "?") {
			join = "&"
		}
		page = path + join + "cursor=" + url.QueryEscape(*got.Next)
	}
}

func (a *api) wantIDs(query, want string) {
	a.t.Helper()
	if got := strings.Join(a.walk("/v1/notes"+query), " "); got != want {
		a.t.Errorf("%s lists %q, want %q", query, got, want)
	}
}

// TestFilterAndSort asks for what is declared, in every form that there is.
func TestFilterAndSort(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: optional, Indexes: indexes(people...)}}, func(t *testing.T, a *api) {
		for id, body := range map[string]string{
			"ann":  `{"name":"Ann","age":9.99,"address":{"city":"Ulm"},"admin":true,"seen":"2026-11-21T15:00:00Z"}`,
			"bob":  `{"name":"Bob","age":10,"address":{"city":"Köln"},"admin":false,"seen":"2026-11-21T16:00:00+01:00"}`,
			"cyd":  `{"name":"cyd","age":1e1,"address":{"city":"Ulm"},"seen":"2026-11-21T15:00:00.001Z"}`,
			"dora": `{"name":"Ann","age":"10","address":"Ulm","admin":"true","seen":1763737200}`,
			"eve":  `{"name":"","age":9007199254740993,"address":{"city":""},"admin":null}`,
			"fay":  `{"name":null,"age":9007199254740992,"address":{}}`,
			"gus":  `{}`,
			"hal":  `{"name":"Zoé, jr.","age":-3,"admin":false,"seen":"yesterday"}`,
		} {
			a.must(201, "PUT", "/v1/notes/"+id, body)
		}
		for _, tt := range []struct{ query, want string }{
			{"", "ann bob cyd dora eve fay gus hal"},
			{"?sort=age", "dora gus hal ann bob cyd fay eve"},
			{"?sort=-age", "eve fay cyd bob ann hal gus dora"},
			{"?sort=name", "fay gus eve ann dora bob hal cyd"},
			{"?sort=admin", "cyd dora eve fay gus bob hal ann"},
			{"?sort=seen", "dora eve fay gus hal ann bob cyd"},
			{"?sort=-address.city", "cyd ann bob eve hal gus fay dora"},
			{"?name=Ann", "ann dora"},
			{"?name=", "eve"},
			{"?name=Zo%C3%A9,%20jr.", "hal"},
			{"?name.in=Ann,Bob,nobody", "ann bob dora"},
			{"?name.gte=B&name.lt=a", "bob hal"},
			{"?age=10", "bob cyd"},
			{"?age=10.0", "bob cyd"},
			{"?age=9007199254740992", "fay"},
			{"?age.in=9007199254740993,-3,10", "bob cyd eve hal"},
			{"?age.gt=9.99", "bob cyd eve fay"},
			{"?age.gte=9.99", "ann bob cyd eve fay"},
			{"?age.lt=10", "ann hal"},
			{"?age.lte=10", "ann bob cyd hal"},
			{"?age.gt=-4&age.lt=9.990000000000000000000000000001", "ann hal"},
			{"?age.gt=9007199254740992", "eve"},
			{"?age.gt=1e300", ""},
			{"?admin=true", "ann"},
			{"?admin=false", "bob hal"},
			{"?admin.in=true,false", "ann bob hal"},
			{"?seen=2026-11-21T15:00:00Z", "ann bob"},
			{"?seen.gt=2026-11-21T16:00:00%2B01:00", "cyd"},
			{"?address.city=Ulm", "ann cyd"},
			{"?address.city=K%C3%B6ln", "bob"},
			{"?address.city.gt=", "ann bob cyd"},
			{"?address.city=Ulm&age=10", "cyd"},
			{"?age=10&admin=false&sort=-name", "bob"},
			{"?age.gte=9&sort=-age&address.city.in=Ulm,K%C3%B6ln", "cyd bob ann"},
			{"?sort=name&age.gte=9&age.lte=10", "ann bob cyd"},
			{"?age=10&age.in=10,11", "bob cyd"},
			{"?age=10&age.gt=10", ""},
		} {
			for _, limit := range []int{1, 2, 3, 100} {
				query := tt.query + "&limit=" + fmt.Sprint(limit)
				a.wantIDs("?"+strings.TrimPrefix(strings.TrimPrefix(query, "?"), "&"), tt.want)
			}
		}

		// The list follows every way of writing.
		a.must(200, "PATCH", "/v1/notes/gus", `{"age":10}`)
		a.must(200, "PATCH", "/v1/notes/bob", `[{"op":"remove","path":"/age"}]`, "Content-Type", "application/json-patch+json")
		a.must(204, "DELETE", "/v1/notes/cyd", "")
		a.must(200, "PUT", "/v1/notes/ann", `{"age":10.00}`)
		a.must(200, "PUT", "/v1/notes/eve?dryRun=true", `{"age":10}`)
		a.must(412, "PUT", "/v1/notes/fay", `{"age":10}`, "If-Match", `"7"`)
		a.wantIDs("?age=10", "ann gus")
		a.wantIDs("?sort=age", "bob dora hal ann gus fay eve")
		a.must(201, "PUT", "/v1/notes/cyd", `{"age":0}`)
		a.wantIDs("?sort=-age", "eve fay gus ann cyd hal dora bob")
		a.verify()
	})
}

// TestListRefusals: what is not declared, or not a value of what is, is refused by
// a problem that names what is declared; it is never an empty list.
func TestListRefusals(t *testing.T) {
	declared := "This list can be filtered and sorted by admin (boolean), age (number), address.city (string), name (string), seen (time)."
	onEveryStore(t, setup{rules: engine.Rules{Indexes: indexes(people...)}, maxPage: 50}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"age":10,"name":"Ann"}`)
		for _, tt := range []struct{ query, detail string }{
			{"page=2", `There is no query parameter "page" here. Use limit, cursor, sort, fields or a filter. ` + declared},
			{"Age=10", `There is no query parameter "Age" here. Use limit, cursor, sort, fields or a filter. ` + declared},
			{"address=Ulm", `There is no query parameter "address" here. Use limit, cursor, sort, fields or a filter. ` + declared},
			{"size.gt=1", `There is no query parameter "size.gt" here. Use limit, cursor, sort, fields or a filter. ` + declared},
			{"age.ne=10", `There is no filter "age.ne". What may follow age is .gt, .gte, .lt, .lte, .in, or nothing for equality. ` + declared},
			{"age.=10", `There is no filter "age.". What may follow age is .gt, .gte, .lt, .lte, .in, or nothing for equality. ` + declared},
			{"age=ten", `age takes a number in the form of JSON, such as -1.5e3, and not "ten". ` + declared},
			{"age=", `age takes a number in the form of JSON, such as -1.5e3, and not "". ` + declared},
			{"age=1e10001", `age takes a number in the form of JSON, such as -1.5e3, and not "1e10001". ` + declared},
			{"age.in=1,,2", `age.in takes a number in the form of JSON, such as -1.5e3, and not "". ` + declared},
			{"admin=yes", `admin takes true or false, and not "yes". ` + declared},
			{"seen.gt=2026-11-21T15:00:00+01:00", `seen.gt takes a time in the form of RFC 3339, such as 2026-11-21T15:04:05Z or 2026-11-21T15:04:05%2B01:00, and not "2026-11-21T15:00:00 01:00". ` + declared},
			{"name=%ff", `name takes a text in UTF-8, and not "\xff". ` + declared},
			{"sort=size", `sort is the name of one index, with a - in front for descending, and not "size". ` + declared},
			{"sort=age,name", `sort is the name of one index, with a - in front for descending, and not "age,name". ` + declared},
			{"sort=", `sort is the name of one index, with a - in front for descending, and not "". ` + declared},
			{"sort=%2Bage", `sort is the name of one index, with a - in front for descending, and not "+age". ` + declared},
			{"age=10&age=11", "age is given once."},
			{"age=10&age=10", "age is given once."},
			{"sort=age&sort=-age", "sort is given once."},
			{"limit=51", "limit is a number from 1 to 50."},
			{"fields=", `fields takes names of members, with dots for nesting, as in fields=title,address.city, and not "".`},
			{"fields=name,", `fields takes names of members, with dots for nesting, as in fields=title,address.city, and not "name,".`},
			{"fields=address..city", `fields takes names of members, with dots for nesting, as in fields=title,address.city, and not "address..city".`},
			{"fields=" + strings.Repeat("a,", 100) + "a", "fields takes up to 100 names."},
			{"name.in=" + strings.Repeat("a,", 100) + "a", "name.in takes up to 100 values."},
			{"include=version", `There is no query parameter "include" here. Use limit, cursor, sort, fields or a filter. ` + declared},
			{"age=%zz", "The query cannot be read. Escape its values as in a form."},
			{"cursor=abc", "This cursor is not one of this list. Take it from next of the page before, or leave it out to start."},
		} {
			t.Run(tt.query[:min(len(tt.query), 40)], func(t *testing.T) {
				if p := a.in(t).refused(400, "malformed", "GET", "/v1/notes?"+tt.query, ""); p.Detail != tt.detail {
					t.Errorf("the detail is %s\nwant          %s", p.Detail, tt.detail)
				}
			})
		}
		if got := a.do("HEAD", "/v1/notes?page=2", ""); got.status != 400 || got.body != "" {
			t.Errorf("HEAD: %d %s", got.status, got.body)
		}
	})
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		for _, query := range []string{"status=open", "page=2"} {
			name, _, _ := strings.Cut(query, "=")
			want := fmt.Sprintf("There is no query parameter %q here. Use limit, cursor and fields. Nothing is declared to filter or sort this list by.", name)
			if p := a.refused(400, "malformed", "GET", "/v1/notes?"+query, ""); p.Detail != want {
				t.Errorf("without indexes: %s", p.Detail)
			}
		}
		want := `sort is the name of one index, with a - in front for descending, and not "id". Nothing is declared to filter or sort this list by.`
		if p := a.refused(400, "malformed", "GET", "/v1/notes?sort=id", ""); p.Detail != want {
			t.Errorf("without indexes: %s", p.Detail)
		}
	})
}

// TestListFields: a projection leaves id, etag and version as they are, and what
// the contract adds to bodies too.
func TestListFields(t *testing.T) {
	const body = `{"title":"A","address":{"zip":"89073","city":"Ulm","geo":{"lat":48.40,"lon":1e1}},"tags":["x",{"y":1}],"a.b":7,"n":1.0}`
	rules := engine.Rules{Indexes: indexes("/a.b number", "/address/city")}
	onEveryStore(t, setup{rules: rules}, func(t *testing.T, a *api) {
		tag := a.must(201, "PUT", "/v1/notes/1", body).header.Get("ETag")
		for fields, want := range map[string]string{
			"title":                      `{"title":"A"}`,
			"n,title":                    `{"title":"A","n":1.0}`,
			"address.city":               `{"address":{"city":"Ulm"}}`,
			"title,address.city,title":   `{"title":"A","address":{"city":"Ulm"}}`,
			"address.geo.lon,address":    `{"address":{"zip":"89073","city":"Ulm","geo":{"lat":48.40,"lon":1e1}}}`,
			"address,address.geo.lon":    `{"address":{"zip":"89073","city":"Ulm","geo":{"lat":48.40,"lon":1e1}}}`,
			"address.geo.lat":            `{"address":{"geo":{"lat":48.40}}}`,
			"a.b":                        `{"a.b":7}`,
			"tags":                       `{"tags":["x",{"y":1}]}`,
			"tags.0,title.x,nothing,a.c": `{}`,
			"address.nothing":            `{}`,
		} {
			got := a.list("?fields=" + fields)
			if len(got.Items) != 1 || got.Items[0].ID != "1" || got.Items[0].Etag != tag || got.Items[0].Version != 1 || string(got.Items[0].Data) != want {
				t.Errorf("fields=%s: %+v, data %s, want %s", fields, got, got.Items[0].Data, want)
			}
		}
		a.must(201, "PUT", "/v1/notes/2", `{"title":"B"}`)
		next := *a.list("?limit=1&fields=title").Next
		if page := a.list("?limit=5&fields=n&cursor=" + next); len(page.Items) != 1 || page.Items[0].ID != "2" || string(page.Items[0].Data) != `{}` {
			t.Errorf("other fields on the second page: %+v", page)
		}
	})
	members, err := engine.NewMembers(ifmatch.Dialect{BodyVersion: ifmatch.BodyVersionAlways, VersionField: "/meta/version", DigestField: "sha256"}, engine.Added{})
	if err != nil {
		t.Fatal(err)
	}
	onEveryStore(t, setup{rules: engine.Rules{Members: members}}, func(t *testing.T, a *api) {
		a.must(201, "PUT", "/v1/notes/1", `{"title":"A","meta":{"by":"ann"},"n":1}`)
		var shown struct{ SHA256 string }
		if err := json.Unmarshal([]byte(a.must(200, "GET", "/v1/notes/1", "").body), &shown); err != nil || len(shown.SHA256) != 64 {
			t.Fatalf("%+v, %v", shown, err)
		}
		for fields, want := range map[string]string{
			"title":        `{"title":"A","meta":{"version":1},"sha256":"` + shown.SHA256 + `"}`,
			"meta.by":      `{"meta":{"by":"ann","version":1},"sha256":"` + shown.SHA256 + `"}`,
			"meta.version": `{"meta":{"version":1},"sha256":"` + shown.SHA256 + `"}`,
		} {
			if page := a.list("?fields=" + fields); string(page.Items[0].Data) != want {
				t.Errorf("fields=%s: %s, want %s", fields, page.Items[0].Data, want)
			}
		}
	})
}

// TestCursorsAreBound: a cursor goes on where its query was, and nowhere else.
func TestCursorsAreBound(t *testing.T) {
	rules := engine.Rules{Indexes: indexes("/age number", "/name")}
	onEveryStore(t, setup{rules: rules}, func(t *testing.T, a *api) {
		for i := range 6 {
			a.must(201, "PUT", fmt.Sprintf("/v1/notes/%d", i), fmt.Sprintf(`{"age":%d,"name":"n"}`, 5-i))
			a.must(201, "PUT", fmt.Sprintf("/v1/other/%d", i), `{"age":1,"name":"n"}`)
		}
		queries := []string{"?", "?sort=age", "?sort=-age", "?sort=name", "?age.gte=1", "?age.gt=1", "?age=1", "?age.in=0,1,2,3", "?age.in=0,1,2", "?age.in=0,1,3", "?name=n", "?sort=age&name=n", "?name=n&age.gte=0"}
		next := map[string]string{}
		for _, q := range queries {
			if page := a.list(q + "&limit=1"); page.Next != nil {
				next[q] = *page.Next
			} else if q != "?age=1" {
				t.Fatalf("%s has one page", q)
			}
		}
		for _, q := range queries {
			for of, cursor := range next {
				got := a.do("GET", "/v1/notes"+q+"&cursor="+cursor, "")
				if want := map[bool]int{true: 200, false: 400}[q == of]; got.status != want {
					t.Errorf("%s with the cursor of %s: %d, want %d: %s", q, of, got.status, want, got.body)
				}
			}
		}
		a.must(200, "GET", "/v1/notes?cursor="+next["?name=n&age.gte=0"]+"&age.gte=0.0&fields=age&name=n&limit=3", "") // in another order and spelling
		if p := a.refused(400, "malformed", "GET", "/v1/other?sort=age&cursor="+next["?sort=age"], ""); !strings.Contains(p.Detail, "cursor") {
			t.Errorf("in another list: %s", p.Detail)
		}
		b := newAPI(t, openSQLite(t), setup{rules: rules})
		b.must(201, "PUT", "/v1/notes/0", `{"age":1,"name":"n"}`)
		b.refused(400, "malformed", "GET", "/v1/notes?cursor="+next["?"], "")
		for _, bad := range []string{next["?"] + "=", next["?"][:len(next["?"])-1], "bA", "!", next["?"] + "&cursor=" + next["?"]} {
			a.refused(400, "malformed", "GET", "/v1/notes?cursor="+bad, "")
		}
	})
}

// TestTagsOfPages: every query's pages have a tag of their own, which any change in
// the collection changes. One that was given for another page is never taken.
func TestTagsOfPages(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: optional, Indexes: indexes("/age number", "/name")}}, func(t *testing.T, a *api) {
		for i := range 4 {
			a.must(201, "PUT", fmt.Sprintf("/v1/notes/%d", i), fmt.Sprintf(`{"age":%d,"name":"n"}`, i))
		}
		cursor := *a.list("?limit=2").Next
		queries := []string{"", "?limit=2", "?limit=3", "?limit=2&cursor=" + cursor, "?fields=age", "?fields=name", "?sort=age", "?sort=-age", "?sort=name", "?age=1", "?age=2", "?age.in=1,2", "?age.gte=1", "?age.lte=1", "?name=n", "?name=n&age=1"}
		tags := map[string]string{}
		read := func() {
			t.Helper()
			for _, q := range queries {
				got := a.must(200, "GET", "/v1/notes"+q, "", "If-None-Match", tags[q])
				if tag := got.header.Get("ETag"); tag == tags[q] || !strings.HasPrefix(tag, `W/"`) {
					t.Errorf("%s has the tag %s as before", q, tag)
				}
				tags[q] = got.header.Get("ETag")
			}
		}
		read()
		for _, q := range queries {
			for of, tag := range tags {
				want := 200
				if of == q {
					want = 304
				}
				if got := a.do("GET", "/v1/notes"+q, "", "If-None-Match", tag); got.status != want {
					t.Errorf("%q with the tag of %q: %d, want %d", q, of, got.status, want)
				}
			}
		}
		same := a.must(304, "GET", "/v1/notes?age=1&name=n", "", "If-None-Match", tags["?name=n&age=1"])
		a.header(same, "ETag", tags["?name=n&age=1"])
		a.body(same, "")
		for _, write := range []string{`{"age":9,"name":"n"}`, `{"age":9,"name":"o"}`} {
			a.must(200, "PUT", "/v1/notes/3", write)
			read()
		}
		a.must(204, "DELETE", "/v1/notes/3", "")
		read()
		a.must(201, "PUT", "/v1/other/1", `{"age":1}`)
		for q, tag := range tags {
			a.must(304, "GET", "/v1/notes"+q, "", "If-None-Match", tag)
		}
	})
}

// TestIndexesOfParts: each part has a list of its own, and another type of
// the same member another order.
func TestIndexesOfParts(t *testing.T) {
	numbers, texts := &engine.Rules{Indexes: indexes("/n number")}, &engine.Rules{Indexes: indexes("/n")}
	s := setup{collections: []httpapi.Collection{
		{Name: "users", Path: "/v1/orgs/{orgId}/users", Rules: numbers}, {Name: "texts", Path: "/v1/texts", Rules: texts}, {Name: "plain", Path: "/v1/plain", Rules: &engine.Rules{}},
	}}
	onEveryStore(t, s, func(t *testing.T, a *api) {
		for _, list := range []string{"/v1/orgs/a/users", "/v1/orgs/b/users", "/v1/texts", "/v1/plain"} {
			for _, n := range []string{"10", "9", `"10"`, `"9"`} {
				a.must(201, "PUT", list+"/"+strings.Trim(n, `"`)+map[bool]string{true: "t", false: "n"}[n[0] == '"'], `{"n":`+n+`}`)
			}
		}
		a.must(204, "DELETE", "/v1/orgs/b/users/9n", "", "If-Match", "*")
		for path, want := range map[string]string{
			"/v1/orgs/a/users?sort=n": "10t 9t 9n 10n",
			"/v1/orgs/b/users?sort=n": "10t 9t 10n",
			"/v1/orgs/a/users?n=9":    "9n",
			"/v1/orgs/c/users?n=9":    "",
			"/v1/texts?sort=n":        "10n 9n 10t 9t",
			"/v1/texts?n=9":           "9t",
			"/v1/plain":               "10n 10t 9n 9t",
		} {
			if got := strings.Join(a.walk(path), " "); got != want {
				t.Errorf("%s lists %q, want %q", path, got, want)
			}
		}
		a.refused(400, "malformed", "GET", "/v1/plain?n=9", "")
		a.verify()
	})
}
