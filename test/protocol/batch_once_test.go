package protocol_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/engine"
)

// TestBatchApart: operations of a batch that is not atomic are requests of their own.
func TestBatchApart(t *testing.T) {
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		a.must(201, "PUT", kept, `{"n":1}`)
		got := a.results(a.do("POST", "/_batch", apart(
			oper("PUT", kept, `{"n":2}`, "If-Match", `"1"`),
			oper("PUT", kept, `{"n":3}`, "If-Match", `"1"`),
			oper("PATCH", kept, `{"n":4}`, "If-Match", `"2"`),
			oper("PUT", "/v2/nowhere", `{}`),
			oper("POST", kept, `{}`),
			oper("POST", "/v1/notes", `{}`, "If-Match", `"1"`),
			oper("DELETE", kept, "", "If-Match", `"3"`),
		), "X-Request-Id", "8e03978e-40d5-43e8-bc93-6894a57f9324"))
		var statuses []string
		for _, r := range got {
			statuses = append(statuses, fmt.Sprint(r.Status))
			if r.Status >= 400 && !strings.Contains(string(r.Body), `"correlationId":"8e03978e-40d5-43e8-bc93-6894a57f9324"`) {
				t.Errorf("%s", r.Body)
			}
			if strings.Contains(string(r.Body), "failedIndex") {
				t.Errorf("%s", r.Body)
			}
		}
		if s := strings.Join(statuses, " "); s != "200 412 200 404 405 412 204" {
			t.Errorf("statuses %s", s)
		}
		if got[1].Headers["ETag"] != `"2"` {
			t.Errorf("the stale write is told %v", got[1].Headers)
		}
		a.verify()
	})
}

// otherKey is another key than bareKey.
const otherKey = "8e03978e-40d5-43e8-bc93-6894a57f9325"

// TestBatchOnce: an atomic batch is carried out once under its key, and answered alike.
func TestBatchOnce(t *testing.T) {
	rules := engine.Rules{Contract: optional}
	onEveryStore(t, setup{rules: rules}, func(t *testing.T, a *api) {
		body := together(oper("POST", "/v1/notes", `{"n":1}`), oper("PUT", kept, `{"n":1}`), oper("CHECK", "/v1/notes/none", "", "If-None-Match", "*"))
		first := a.must(200, "POST", "/_batch", body, "Idempotency-Key", bareKey)
		a.must(200, "PUT", kept, `{"n":2}`)
		a.must(201, "PUT", "/v1/notes/none", `{}`)
		before := a.dump()
		again := a.must(200, "POST", "/_batch", body, "Idempotency-Key", bareKey)
		a.header(again, "Idempotent-Replayed", "true")
		a.body(again, first.body)
		a.refusedInBatch(422, "idempotency-mismatch", together(fine), "Idempotency-Key", bareKey)
		a.refusedInBatch(422, "idempotency-mismatch", apart(fine), "Idempotency-Key", bareKey)
		// One that changes nothing is remembered too.
		same := together(oper("PUT", kept, `{"n":2}`))
		a.must(200, "POST", "/_batch", same, "Idempotency-Key", otherKey)
		if a.dump() != before {
			t.Error("a replay has changed something")
		}
		a.must(200, "PUT", kept, `{"n":3}`)
		a.header(a.must(200, "POST", "/_batch", same, "Idempotency-Key", otherKey), "Idempotent-Replayed", "true")
		a.body(a.must(200, "GET", kept, ""), `{"n":3}`)
		a.verify()
	})
}

// TestBatchApartOnce: under a key each operation of a batch that is not atomic is carried
// out once; what was refused is tried again.
func TestBatchApartOnce(t *testing.T) {
	onEveryStore(t, setup{rules: engine.Rules{Contract: optional}}, func(t *testing.T, a *api) {
		body := apart(oper("POST", "/v1/notes", `{"n":1}`), oper("PATCH", kept, `{"n":2}`), oper("POST", "/v1/notes", `{"n":1}`))
		first := a.results(a.do("POST", "/_batch", body, "Idempotency-Key", bareKey))
		if first[0].Status != 201 || first[1].Status != 404 || first[2].Status != 201 || first[0].Headers["Location"] == first[2].Headers["Location"] {
			t.Fatalf("%+v", first)
		}
		a.must(201, "PUT", kept, `{"n":1}`)
		again := a.results(a.do("POST", "/_batch", body, "Idempotency-Key", bareKey))
		for i := range again {
			replayed := again[i].Headers["Idempotent-Replayed"]
			delete(again[i].Headers, "Idempotent-Replayed")
			if i == 1 && (again[i].Status != 200 || replayed != "") || i != 1 && (replayed != "true" || again[i].told() != first[i].told()) {
				t.Errorf("operation %d is answered %+v, first %+v", i, again[i], first[i])
			}
		}
		a.refusedInBatch(422, "idempotency-mismatch", apart(fine), "Idempotency-Key", bareKey)
		if n := len(a.list("").Items); n != 3 {
			t.Errorf("%d documents", n)
		}
	})
}
