package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/test/bench/load"
)

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []float64
		want float64
	}{
		{"one", []float64{7}, 7},
		{"odd", []float64{9, 1, 5}, 5},
		{"even", []float64{4, 1, 2, 100}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := slices.Clone(tt.in)
			if got := median(tt.in); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if !slices.Equal(tt.in, before) {
				t.Errorf("the figures were reordered: %v", tt.in)
			}
		})
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("no values: got %v", got)
	}
}

// The median ratio is not the ratio of medians: a slow round must cost both
// sides together.
func TestValueIsTheMedianOfRatios(t *testing.T) {
	o := outcome{bar: bar{yardstick: "x"}, yardsticks: []float64{100, 10, 50}, ours: []float64{400, 50, 100}}
	if got := o.value(); got != 4 {
		t.Errorf("got %v, want 4", got)
	}
	o.ours = o.ours[:2] // a side that failed in the last round
	if got := ratios(o.ours, o.yardsticks); !slices.Equal(got, []float64{4, 5}) {
		t.Errorf("got %v", got)
	}
}

func TestVerdict(t *testing.T) {
	ratio := bar{yardstick: "x", threshold: limit(4), aim: limit(5)}
	latency := bar{yardstick: "x", atMost: true, threshold: limit(0.25), aim: limit(0.15)}
	memory := bar{unit: "MiB", atMost: true, threshold: limit(40)}
	one := []float64{1}
	for _, tt := range []struct {
		name string
		in   outcome
		want string
	}{
		{"below", outcome{bar: ratio, yardsticks: one, ours: []float64{3.99}}, "NOT MET"},
		{"on the threshold", outcome{bar: ratio, yardsticks: one, ours: []float64{4}}, "met, aim not"},
		{"aim", outcome{bar: ratio, yardsticks: one, ours: []float64{5}}, "met, aim too"},
		{"smaller is better", outcome{bar: latency, yardsticks: one, ours: []float64{0.2}}, "met, aim not"},
		{"too slow", outcome{bar: latency, yardsticks: one, ours: []float64{0.26}}, "NOT MET"},
		{"absolute", outcome{bar: memory, ours: []float64{40}}, "met"},
		{"absolute, above", outcome{bar: memory, ours: []float64{40.1}}, "NOT MET"},
		{"failed with figures", outcome{bar: ratio, yardsticks: one, ours: []float64{9}, reason: "it broke"}, unmeasuredVerdict},
		{"no figures", outcome{bar: ratio, yardsticks: one}, unmeasuredVerdict},
		{"nothing to reach", outcome{bar: bar{yardstick: "x"}, yardsticks: one, ours: one}, "for information"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.in.verdict(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTableSaysWhatWasNotMeasured(t *testing.T) {
	out := unmeasured([]bar{{name: "one", unit: "ms"}, {name: "two", unit: "/s"}}, "no server")
	var b bytes.Buffer
	if err := writeTable(&b, out); err != nil {
		t.Fatal(err)
	}
	if want := "Not measured: one, two. Reason: no server"; !strings.Contains(b.String(), want) {
		t.Errorf("%q is missing in\n%s", want, b.String())
	}
}

func TestQuantity(t *testing.T) {
	for _, tt := range []struct {
		v          float64
		unit, want string
	}{
		{1234567.4, "/s", "1,234,567 /s"}, {999, "/s", "999 /s"}, {14.62, "ns", "14.6 ns"},
		{0.126, "ms", "0.13 ms"}, {40, "MiB", "40 MiB"}, {124.4, "ms", "124 ms"}, {math.NaN(), "ms", "–"},
	} {
		if got := quantity(tt.v, tt.unit); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestParseBenchmarks(t *testing.T) {
	const text = "goos: linux\nBenchmarkEvaluate/one-tag-2   \t38571428\t        15.61 ns/op\t       0 B/op\t       0 allocs/op\n" +
		"BenchmarkEvaluate/one-tag-weak-2 \t1\t 99 ns/op\t 8 B/op\t 1 allocs/op\n" +
		"BenchmarkEvaluate/one-tag-2   \t38571428\t        16 ns/op\t       0 B/op\t       0 allocs/op\n" +
		"BenchmarkTexts/1KiB/json-patch \t 4352\t 53049 ns/op\t 61.73 MB/s\t 28240 B/op\t 437 allocs/op\n" +
		"BenchmarkTexts/1KiB/ratio-2 \t 65\t 3.902 times-faster\nPASS\n"
	got, err := parseBenchmarks(text)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]goResult{
		"BenchmarkEvaluate/one-tag":      {{15.61, 0}, {16, 0}},
		"BenchmarkEvaluate/one-tag-weak": {{99, 1}},
		"BenchmarkTexts/1KiB/json-patch": {{53049, 437}},
	}
	if !maps.EqualFunc(got, want, slices.Equal[[]goResult]) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestEveryBarHasItsOwnName(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range experiments(options{}) {
		for _, b := range e.bars {
			if seen[b.name] {
				t.Errorf("%s stands twice", b.name)
			}
			seen[b.name] = true
			if err := checkNames(options{only: b.name}); err != nil || !e.matches("x,"+b.name) {
				t.Errorf("%s is not found by its name: %v", b.name, err)
			}
		}
	}
	if err := checkNames(options{only: "put-64,nonsense"}); err == nil {
		t.Error("an unknown name is accepted")
	}
}

func TestOneLineKeepsTheEnd(t *testing.T) {
	if got := oneLine("first\n\tsecond  third\n", 12); got != "…second third" {
		t.Errorf("got %q", got)
	}
	if err := errors.Unwrap((&process{log: "absent", exited: make(chan struct{})}).explain(errors.New("x"))); err == nil || err.Error() != "x" {
		t.Errorf("the cause is lost: %v", err)
	}
}

func TestWarningOnABusyMachine(t *testing.T) {
	for load, want := range map[string]bool{"0.12 0.5 0.9 1/90 77": false, "6.31 1 1 1/90 77": true, unknown: false} {
		if got := (machine{Load: load}).warning() != ""; got != want {
			t.Errorf("load %q: warned %v", load, got)
		}
	}
}

func TestWrongAnswersFailTheRun(t *testing.T) {
	b := &bench{}
	sub := &subject{process: &process{log: "absent", exited: make(chan struct{})}}
	if err := b.failed(sub, errors.New("connection reset")); err == nil || b.wrong() != nil {
		t.Errorf("a measurement that failed: %v, and the run: %v", err, b.wrong())
	}
	if err := b.failed(sub, fmt.Errorf("PATCH: %w", load.ErrWrong)); !errors.Is(err, load.ErrWrong) || !errors.Is(b.wrong(), load.ErrWrong) {
		t.Errorf("a wrong answer: %v, and the run: %v", err, b.wrong())
	}
}
