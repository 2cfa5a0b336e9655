package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

// goResult is what one run of a benchmark of the module came to, an operation.
type goResult struct {
	nanoseconds, allocations float64
}

// The name of a benchmark ends in the number of processors where that is not 1.
var benchmarkLine = regexp.MustCompile(`(?m)^(Benchmark\S*?)(?:-\d+)?\s+\d+\s+([0-9.]+) ns/op.*\s(\d+) allocs/op$`)

// parseBenchmarks reads what go test prints: by name, the results in order.
func parseBenchmarks(text string) (map[string][]goResult, error) {
	results := map[string][]goResult{}
	for _, m := range benchmarkLine.FindAllStringSubmatch(text, -1) {
		var figures [2]float64
		for i := range figures {
			var err error
			if figures[i], err = strconv.ParseFloat(m[i+2], 64); err != nil {
				return nil, fmt.Errorf("go test printed %q: %w", m[0], err)
			}
		}
		results[m[1]] = append(results[m[1]], goResult{figures[0], figures[1]})
	}
	return results, nil
}

// goBenchmark runs benchmarks of a package, each count times on end.
func (b *bench) goBenchmark(ctx context.Context, pkg, pattern string, count int) (map[string][]goResult, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", pattern,
		"-benchmem", "-benchtime", "300ms", "-count", strconv.Itoa(count), pkg)
	cmd.Dir = b.root
	text, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go test %s: %w: %s", pkg, err, oneLine(string(text), 200))
	}
	return parseBenchmarks(string(text))
}

// evaluate runs the root package's own benchmark, once for each round.
func (b *bench) evaluate(ctx context.Context, bars []bar) []outcome {
	results, err := b.goBenchmark(ctx, ".", "^BenchmarkEvaluate$/^one-tag$", b.rounds)
	if err != nil {
		return unmeasured(bars, err.Error())
	}
	const name = "BenchmarkEvaluate/one-tag"
	if len(results[name]) == 0 {
		return unmeasured(bars, "the module's root package has no benchmark "+name)
	}
	out := unmeasured(bars, "")
	for _, r := range results[name] {
		out[0].ours = append(out[0].ours, r.nanoseconds)
		out[1].ours = append(out[1].ours, r.allocations)
	}
	return out
}

// mergeTexts runs the benchmark of package merge that holds it against the usual
// library, anew for each round so that the two take turns.
func (b *bench) mergeTexts(ctx context.Context, size string, bars []bar) []outcome {
	out := unmeasured(bars, "")
	for range b.rounds {
		results, err := b.goBenchmark(ctx, "./merge", "^BenchmarkTexts$/^"+size+"$/^(ours|json-patch)$", 1)
		if err != nil {
			return unmeasured(bars, err.Error())
		}
		ours, yardstick := results["BenchmarkTexts/"+size+"/ours"], results["BenchmarkTexts/"+size+"/json-patch"]
		if len(ours) != 1 || len(yardstick) != 1 {
			return unmeasured(bars, "package merge has no benchmark BenchmarkTexts/"+size+" of both sides")
		}
		out[0].ours = append(out[0].ours, perSecond(ours[0]))
		out[0].yardsticks = append(out[0].yardsticks, perSecond(yardstick[0]))
		b.progress("  json-patch %10s/s  ours %10s/s", thousands(int64(perSecond(yardstick[0]))), thousands(int64(perSecond(ours[0]))))
	}
	return out
}

func perSecond(r goResult) float64 { return 1e9 / r.nanoseconds }
