package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestHiddenInBatches: a batch tells no more of hidden values than its operations would
// alone. Each is tried on documents that differ in what is hidden alone.
func TestHiddenInBatches(t *testing.T) {
	s := serveRuled(t, writePolicy)
	documents := 0
	for name, operation := range map[string]string{
		"PUT":                `"method":"PUT","headers":{"If-Match":"\"2\""},"body":{"name":"b"}`,
		"PUT of a guess":     `"method":"PUT","headers":{"If-Match":"\"2\""},"body":{"name":"a","salary":1}`,
		"merge patch":        `"method":"PATCH","headers":{"If-Match":"*"},"body":{"salary":1}`,
		"test":               `"method":"PATCH","headers":{"If-Match":"*","Content-Type":"application/json-patch+json"},"body":[{"op":"test","path":"/salary","value":1}]`,
		"immutable":          `"method":"PATCH","headers":{"If-Match":"*"},"body":{"code":1}`,
		"not valid":          `"method":"PATCH","headers":{"If-Match":"*"},"body":{"salary":"1"}`,
		"stale":              `"method":"PUT","headers":{"If-Match":"\"1\""},"body":{"name":"a","salary":1}`,
		"stale, merged":      `"method":"PATCH","headers":{"If-Match":"\"1\"","Prefer":"conflict=merge"},"body":{"salary":1}`,
		"stale, parked":      `"method":"PATCH","headers":{"If-Match":"\"1\"","Prefer":"conflict=park"},"body":{"name":"q"}`,
		"stale, overwritten": `"method":"PATCH","headers":{"If-Match":"\"1\"","Prefer":"conflict=overwrite"},"body":{"salary":1}`,
		"DELETE":             `"method":"DELETE","headers":{"If-Match":"\"2\""}`,
		"CHECK":              `"method":"CHECK","headers":{"If-Match":"\"2\""}`,
		"stale CHECK":        `"method":"CHECK","headers":{"If-Match":"\"1\""}`,
		"CHECK for none":     `"method":"CHECK","headers":{"If-None-Match":"*"}`,
	} {
		for _, atomic := range []bool{true, false} {
			if !atomic && strings.Contains(name, "CHECK") {
				continue
			}
			t.Run(fmt.Sprintf("%s, atomic %t", name, atomic), func(t *testing.T) {
				s := &ruled{t, s.server}
				var told []string
				for _, document := range []string{`{"name":"a","salary":1,"code":1}`, `{"name":"a","salary":2,"code":2}`} {
					documents++
					at := fmt.Sprintf("/v1/staff/%03d", documents)
					s.must(201, "adm", "PUT", at, strings.Replace(document, `"a"`, `"z"`, 1))
					s.must(200, "adm", "PUT", at, document, "If-Match", "*")
					answer, text := s.by("cy", "POST", "/_batch", fmt.Sprintf(`{"atomic":%t,"operations":[{"path":%q,%s}]}`, atomic, at, operation))
					if strings.Contains(text, "salary\":2") || strings.Contains(text, `"code":2`) {
						t.Errorf("told %s", text)
					}
					_, now := s.by("cy", "GET", at, "")
					told = append(told, answer.Status+" "+withoutIDs(timeless(text+now, at)))
				}
				if told[0] != told[1] {
					t.Errorf("told\n%s\nand\n%s", told[0], told[1])
				}
			})
		}
	}
}

// TestBatchOps: a batch has as many operations as the policy lets it.
func TestBatchOps(t *testing.T) {
	s := serveRuled(t, "limits: {batch_ops: 2}\n"+writePolicy)
	operations := func(n int) string {
		var ops []string
		for i := range n {
			ops = append(ops, fmt.Sprintf(`{"method":"PUT","path":"/v1/staff/%d","body":{}}`, i))
		}
		return `{"atomic":true,"operations":[` + strings.Join(ops, ",") + `]}`
	}
	_, text := s.must(400, "adm", "POST", "/_batch", operations(3))
	s.must(404, "adm", "GET", "/v1/staff/0", "")
	if !strings.Contains(text, "at most 2 operations") || !json.Valid([]byte(text)) {
		t.Error(text)
	}
	s.must(200, "adm", "POST", "/_batch", operations(2))
}
