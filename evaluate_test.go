package ifmatch_test

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/ifmatch/ifmatch"
	"github.com/ifmatch/ifmatch/internal/testdata"
)

// vector is one row of a precondition table.
type vector struct {
	Name         string              `json:"name"`
	Method       string              `json:"method"`
	Exists       bool                `json:"exists"`
	ETag         string              `json:"etag"`
	LastModified string              `json:"lastModified"`
	SameSecond   bool                `json:"sameSecond"`
	Precondition string              `json:"precondition"`
	AcceptWeak   bool                `json:"acceptWeak"`
	Headers      map[string][]string `json:"headers"`
	Expect       string              `json:"expect"`
}

func (v *vector) contract() ifmatch.Contract {
	rule := map[string]ifmatch.Precondition{
		"required": ifmatch.PreconditionRequired, "optional": ifmatch.PreconditionOptional, "tag": ifmatch.PreconditionTag,
		"observe": ifmatch.PreconditionObserve, "warn": ifmatch.PreconditionWarn,
	}[v.Precondition]
	return ifmatch.Contract{
		AcceptWeak:   v.AcceptWeak,
		Precondition: ifmatch.MethodPreconditions{Put: rule, Patch: rule, Delete: rule},
	}
}

func (v *vector) state(t *testing.T) ifmatch.State {
	s := ifmatch.State{Exists: v.Exists, SameSecond: v.SameSecond}
	var err error
	if v.ETag != "" {
		if s.ETag, err = ifmatch.ParseETag(v.ETag); err != nil {
			t.Fatal(err)
		}
	}
	if v.LastModified != "" {
		if s.LastModified, err = time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", v.LastModified); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// outcome is the table's word for a verdict.
func outcome(r ifmatch.Result) string {
	return map[ifmatch.Verdict]string{
		ifmatch.Fresh: "perform", ifmatch.NotModified: "304", ifmatch.Missing: "404", ifmatch.Malformed: "400",
		ifmatch.Failed: "412", ifmatch.Stale: "412", ifmatch.Required: "428",
	}[r.Verdict]
}

func TestEvaluateVectors(t *testing.T) {
	data, err := os.ReadFile("vectors/preconditions.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []vector }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 200 {
		t.Fatalf("only %d cases", len(file.Cases))
	}
	for i, v := range file.Cases {
		t.Run(strconv.Itoa(i)+" "+v.Method+" "+v.Name, func(t *testing.T) {
			res := ifmatch.Evaluate(v.Method, ifmatch.ParseConditions(v.Headers), v.state(t), v.contract())
			if got := outcome(res); got != v.Expect {
				t.Errorf("%s, want %s: %+v", got, v.Expect, res)
			}
		})
	}
}

func TestEvaluateSharedVectors(t *testing.T) {
	data, err := os.ReadFile(testdata.Shared(t, "preconditions-rfc.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			ID, Test, Method, Expect string
			State                    struct {
				Exists       bool
				ETag         string
				LastModified string `json:"last_modified"`
				Policy       string
			}
			Headers map[string]any `json:"request_headers"`
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		t.Run(c.ID, func(t *testing.T) {
			v := vector{Exists: c.State.Exists, ETag: c.State.ETag, LastModified: c.State.LastModified, Precondition: "optional", Headers: map[string][]string{}}
			if c.State.Policy == "require-preconditions" {
				v.Precondition = "required"
			}
			for name, value := range c.Headers {
				if lines, many := value.([]any); many {
					for _, line := range lines {
						v.Headers[name] = append(v.Headers[name], line.(string))
					}
				} else {
					v.Headers[name] = []string{value.(string)}
				}
			}
			res := ifmatch.Evaluate(c.Method, ifmatch.ParseConditions(v.Headers), v.state(t), v.contract())
			if got := outcome(res); got != c.Expect {
				t.Errorf("%s: %s, want %s: %+v", c.Test, got, c.Expect, res)
			}
		})
	}
	t.Logf("%d rows", len(file.Cases))
}

// TestEvaluateResult checks what a result says beside its verdict.
func TestEvaluateResult(t *testing.T) {
	composite := func(version int64) string { return ifmatch.VersionTag(version).Composite([]byte("rest")).String() }
	current := ifmatch.State{
		Exists: true, ETag: ifmatch.VersionTag(7), LastModified: time.Unix(1e9, 0),
		Earlier: func(t ifmatch.ETag) int64 {
			if v, ok := t.Version(); ok && v >= 3 && v < 7 {
				return v
			}
			return 0
		},
	}
	tests := []struct {
		name, method string
		headers      map[string][]string
		state        ifmatch.State
		want         ifmatch.Result
	}{
		{"stale names the base", "PUT", h("If-Match", `"5"`), current, ifmatch.Result{Verdict: ifmatch.Stale, By: ifmatch.FieldIfMatch, Base: 5}},
		{"of several the newest", "PUT", h("If-Match", `"5", "6", "4"`), current, ifmatch.Result{Verdict: ifmatch.Stale, By: ifmatch.FieldIfMatch, Base: 6}},
		{"no longer known", "PUT", h("If-Match", `"2"`), current, ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfMatch}},
		{"from the future", "PUT", h("If-Match", `"8"`), current, ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfMatch}},
		{"a weak tag names no base", "PUT", h("If-Match", `W/"5"`), current, ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfMatch}},
		{"weakened on its way", "PUT", h("If-Match", `W/"7"`), current, ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfMatch, WeakOnly: true}},
		{"of an answer that shows more", "PUT", h("If-Match", composite(7)), current, ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfMatch, WeakOnly: true}},
		{"of an earlier answer that showed more", "PUT", h("If-Match", composite(5)), current, ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfMatch}},
		{"a read is never stale", "GET", h("If-Match", `"5"`), current, ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfMatch}},
		{"create only", "PUT", h("If-None-Match", `*`), current, ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfNoneMatch, AnyTag: true}},
		{"must exist", "PUT", h("If-Match", `*`), ifmatch.State{}, ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfMatch, AnyTag: true}},
		{"a tag is not blind", "PUT", h("If-Match", `"7"`), current, ifmatch.Result{Verdict: ifmatch.Fresh}},
		{"a star is blind", "PUT", h("If-Match", `*`), current, ifmatch.Result{Verdict: ifmatch.Fresh, Blind: true}},
		{"a list of others is blind", "PUT", h("If-None-Match", `"1"`), current, ifmatch.Result{Verdict: ifmatch.Fresh, Blind: true}},
		{"a date is blind", "PUT", h("If-Unmodified-Since", "Sun, 09 Sep 2001 01:46:40 GMT"), current, ifmatch.Result{Verdict: ifmatch.Fresh, Blind: true}},
		{"a client's unset time is a date", "PUT", h("If-Unmodified-Since", "Mon, 01 Jan 0001 00:00:00 GMT"), current, ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfUnmodifiedSince}},
		{"a later write than the date", "PUT", h("If-Unmodified-Since", "Sun, 09 Sep 2001 01:46:39 GMT"), current, ifmatch.Result{Verdict: ifmatch.Failed, By: ifmatch.FieldIfUnmodifiedSince}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ifmatch.Evaluate(tt.method, ifmatch.ParseConditions(tt.headers), tt.state, ifmatch.Contract{})
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestUnconditional: a write to what exists says whether it brings any precondition.
func TestUnconditional(t *testing.T) {
	current := ifmatch.State{Exists: true, ETag: ifmatch.VersionTag(7), Version: 7}
	for _, rule := range []ifmatch.Precondition{ifmatch.PreconditionOptional, ifmatch.PreconditionObserve, ifmatch.PreconditionWarn} {
		contract := ifmatch.Contract{Precondition: ifmatch.MethodPreconditions{Put: rule}}
		if rule.Observes() != (rule != ifmatch.PreconditionOptional) || contract.Precondition.Observes() != rule.Observes() {
			t.Errorf("%v observes: %t, %t", rule, rule.Observes(), contract.Precondition.Observes())
		}
		for name, tt := range map[string]struct {
			headers map[string][]string
			state   ifmatch.State
			want    bool
		}{
			"nothing":             {nil, current, true},
			"a date that is none": {h("If-Unmodified-Since", "today"), current, true},
			"a tag":               {h("If-Match", `"7"`), current, false},
			"a star":              {h("If-Match", "*"), current, false},
			"nothing is there":    {nil, ifmatch.State{}, false},
		} {
			if got := ifmatch.Evaluate("PUT", ifmatch.ParseConditions(tt.headers), tt.state, contract); got.Unconditional != tt.want || !got.Fresh() {
				t.Errorf("%v, %s: %+v", rule, name, got)
			}
		}
	}
}

func h(name, value string) map[string][]string { return map[string][]string{name: {value}} }

func BenchmarkEvaluate(b *testing.B) {
	state := ifmatch.State{Exists: true, ETag: ifmatch.VersionTag(12345), LastModified: time.Unix(1e9, 0)}
	for _, bb := range []struct {
		name, method string
		headers      map[string][]string
	}{
		{"one-tag", "PUT", h("If-Match", `"12345"`)},
		{"ten-tags", "PUT", h("If-Match", `"1","2","3","4","5","6","7","8","9","12345"`)},
		{"not-modified", "GET", h("If-None-Match", `"12345"`)},
	} {
		c := ifmatch.ParseConditions(bb.headers)
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if ifmatch.Evaluate(bb.method, c, state, ifmatch.Contract{}).Verdict == ifmatch.Failed {
					b.Fatal("failed")
				}
			}
		})
		b.Run(bb.name+"/with-parsing", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if ifmatch.Evaluate(bb.method, ifmatch.ParseConditions(bb.headers), state, ifmatch.Contract{}).Verdict == ifmatch.Failed {
					b.Fatal("failed")
				}
			}
		})
	}
}
