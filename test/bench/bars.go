package main

import (
	"context"
	"slices"
	"strings"

	"github.com/ifmatch/ifmatch/test/bench/load"
)

// bar is one line of the table: what is measured and what it must reach.
type bar struct {
	name, what, unit string
	// yardstick names what the figure is divided by; empty where the figure
	// itself is held against the threshold.
	yardstick string
	atMost    bool // smaller is better
	// threshold and aim are nil where the line is only for information.
	threshold, aim *float64
}

// experiment is a measurement that yields the figures of one or more bars.
type experiment struct {
	bars []bar
	run  func(context.Context, *bench) []outcome
	// large ones need -large; ones on request must be named by -only.
	large, onRequest bool
}

func limit(v float64) *float64 { return &v }

// comparison drives two servers in turn.
type comparison struct {
	yardstick, ours side
	clients         int
	skewed          bool
	metrics         []func(*load.Result) float64 // one for each bar
}

// side is a server and what it is asked for.
type side struct {
	server server
	kind   load.Kind
}

// both asks two servers for the same.
func both(kind load.Kind, yardstick, ours server, metrics ...func(*load.Result) float64) comparison {
	return comparison{side{yardstick, kind}, side{ours, kind}, manyClients, false, metrics}
}

func rate(r *load.Result) float64 { return r.Rate() }

func requestsEach(r *load.Result) float64 { return r.RequestsEach() }

func p99(r *load.Result) float64 { return float64(r.Latency.Quantile(0.99).Microseconds()) / 1000 }

const manyClients = 64

func (c comparison) experiment(bars ...bar) experiment {
	return experiment{bars: bars, run: func(ctx context.Context, b *bench) []outcome { return b.compare(ctx, c, bars) }}
}

// experiments lists everything that can be measured, in the order of the table.
func experiments(o options) []experiment {
	return slices.Concat([]experiment{startBar()}, readBars(), writeBars(), mergeBars(), []experiment{memoryBar(), evaluateBar()}, settingBars(), storeBars(), []experiment{overloadBars()}, largeBars(o))
}

func writeBars() []experiment {
	const against = "handwritten"
	many := both(load.Replace, handwritten, ifmatch, rate, p99)
	single := both(load.Replace, handwritten, ifmatch, rate)
	single.clients = 1
	ceiling := both(load.Replace, constant, ifmatch, rate)
	return []experiment{
		many.experiment(
			bar{name: "put-64", what: "conditional PUT, 64 clients", unit: "/s", yardstick: against, threshold: limit(4), aim: limit(5)},
			bar{name: "put-64-p99", what: "its p99", unit: "ms", yardstick: against, atMost: true, threshold: limit(0.25), aim: limit(0.15)},
		),
		single.experiment(bar{name: "put-1", what: "conditional PUT, 1 client", unit: "/s", yardstick: against, threshold: limit(0.9), aim: limit(1.1)}),
		ceiling.experiment(bar{name: "put-64-ceiling", what: "conditional PUT, 64 clients, against no storage at all", unit: "/s", yardstick: "constant"}),
	}
}

func readBars() []experiment {
	read := func(name, what string, kind load.Kind, yardstick server, bars ...*float64) experiment {
		c := both(kind, yardstick, ifmatch, rate)
		line := bar{name: name, what: what, unit: "/s", yardstick: yardstick.String()}
		if len(bars) == 2 {
			line.threshold, line.aim = bars[0], bars[1]
		}
		e := c.experiment(line)
		e.onRequest = len(bars) == 0
		return e
	}
	return []experiment{
		read("get-64", "GET, 64 clients", load.Read, constant, limit(0.85), limit(0.95)),
		read("304-64", "GET answered 304, 64 clients", load.Unchanged, constant, limit(0.85), limit(0.95)),
		read("get-64-handwritten", "GET, 64 clients", load.Read, handwritten),
		read("304-64-handwritten", "GET answered 304, 64 clients", load.Unchanged, handwritten),
	}
}

// settingBars hold what a setting costs against ifmatch without it.
func settingBars() []experiment {
	keyed := both(load.Read, ifmatch, ifmatchKeyed, rate)
	inBody := both(load.Replace, ifmatch, ifmatchBody, rate)
	inBody.ours.kind = load.ReplaceInBody
	return []experiment{
		keyed.experiment(bar{name: "get-64-key", what: "GET with an API key, 64 clients", unit: "/s", yardstick: "without keys", threshold: limit(0.95)}),
		inBody.experiment(bar{name: "put-64-body", what: "PUT with the version in the body, 64 clients", unit: "/s", yardstick: "If-Match", threshold: limit(0.9)}),
	}
}

// mergeBars hold one document that everybody changes a member of, merged, against
// what it would be if each had a document, and against what clients do without.
func mergeBars() []experiment {
	merged := side{ifmatchMerge, load.PatchShared}
	apart := comparison{side{ifmatchReject, load.Patch}, merged, manyClients, false, []func(*load.Result) float64{rate}}
	retried := comparison{side{ifmatchReject, load.PatchRetry}, merged, manyClients, false, []func(*load.Result) float64{requestsEach}}
	return []experiment{
		apart.experiment(bar{name: "merge-64-hot", what: "PATCH merged, 64 clients on one document", unit: "/s", yardstick: "64 documents", threshold: limit(0.4), aim: limit(0.8)}),
		retried.experiment(bar{name: "merge-64-requests", what: "its requests for each success", unit: "requests", yardstick: "retrying", atMost: true, threshold: limit(0.1)}),
		mergeTextsBar("merge-1k", "1 KiB", "1KiB"),
		mergeTextsBar("merge-100k", "100 KiB", "100KiB"),
	}
}

// mergeTextsBar holds the three-way merge alone; size is what the benchmark calls it.
func mergeTextsBar(name, what, size string) experiment {
	bars := []bar{{name: name, what: "three-way merge of texts of " + what, unit: "/s", yardstick: "json-patch", threshold: limit(3), aim: limit(5)}}
	return experiment{bars: bars, run: func(ctx context.Context, b *bench) []outcome { return b.mergeTexts(ctx, size, bars) }}
}

func largeBars(o options) []experiment {
	against := thousands(int64(o.documents)) + " documents"
	many := thousands(int64(o.largeDocuments)) + " documents"
	put := both(load.Replace, ifmatch, ifmatchLarge, rate).experiment(
		bar{name: "put-large", what: "conditional PUT, uniform, " + many, unit: "/s", yardstick: against, threshold: limit(0.8), aim: limit(0.95)})
	skewed := both(load.Read, ifmatch, ifmatchLarge, rate)
	skewed.skewed = true
	get := skewed.experiment(
		bar{name: "get-large", what: "GET, Zipf 0.99, " + many, unit: "/s", yardstick: against, threshold: limit(0.8), aim: limit(0.95)})
	bars := []bar{{name: "memory-large", what: "resident memory, " + many + ", 64 clients", unit: "MiB", atMost: true, threshold: limit(300)}}
	memory := experiment{bars: bars, run: func(ctx context.Context, b *bench) []outcome { return b.memory(ctx, ifmatchLarge, bars) }}
	put.large, get.large, memory.large = true, true, true
	return []experiment{put, get, memory}
}

func memoryBar() experiment {
	bars := []bar{{name: "memory-64", what: "resident memory, 64 clients", unit: "MiB", atMost: true, threshold: limit(150)}}
	return experiment{bars: bars, run: func(ctx context.Context, b *bench) []outcome { return b.memory(ctx, ifmatch, bars) }}
}

func startBar() experiment {
	bars := []bar{
		{name: "cold-start", what: "start on a new store to first answer", unit: "ms", atMost: true, threshold: limit(150), aim: limit(50)},
		{name: "memory-idle", what: "resident memory, idle", unit: "MiB", atMost: true, threshold: limit(40)},
	}
	return experiment{bars: bars, run: func(ctx context.Context, b *bench) []outcome { return b.coldStart(ctx, bars) }}
}

func evaluateBar() experiment {
	bars := []bar{
		{name: "evaluate", what: "ifmatch.Evaluate, one tag", unit: "ns", atMost: true, threshold: limit(30)},
		{name: "evaluate-allocs", what: "its allocations", unit: "allocs", atMost: true, threshold: limit(0)},
	}
	return experiment{bars: bars, run: func(ctx context.Context, b *bench) []outcome { return b.evaluate(ctx, bars) }}
}

// matches says whether only, a comma-separated list, names a bar of e.
func (e experiment) matches(only string) bool {
	for name := range strings.SplitSeq(only, ",") {
		if slices.ContainsFunc(e.bars, func(b bar) bool { return b.name == name }) {
			return true
		}
	}
	return false
}

// storeBars hold the stores that live outside the process against what one writes by
// hand for them, and two nodes on one database against one.
func storeBars() []experiment {
	postgres := both(load.Replace, handwrittenPostgres, ifmatchPostgres, rate, p99)
	pair := both(load.Replace, ifmatchPostgres, ifmatchPair, rate)
	read := both(load.Read, handwrittenPostgres, ifmatchPostgres, rate)
	etcd := both(load.Replace, handwrittenEtcd, ifmatchEtcd, rate)
	return []experiment{
		postgres.experiment(
			bar{name: "put-64-postgres", what: "conditional PUT over PostgreSQL, 64 clients", unit: "/s", yardstick: "by hand", threshold: limit(1.5), aim: limit(2)},
			bar{name: "put-64-postgres-p99", what: "its p99", unit: "ms", yardstick: "by hand", atMost: true},
		),
		read.experiment(bar{name: "get-64-postgres", what: "GET over PostgreSQL, 64 clients", unit: "/s", yardstick: "by hand"}),
		pair.experiment(bar{name: "put-64-pair", what: "conditional PUT, two nodes on one database", unit: "/s", yardstick: "one node", threshold: limit(0.85)}),
		etcd.experiment(bar{name: "put-64-etcd", what: "conditional PUT over etcd, 64 clients", unit: "/s", yardstick: "by hand", threshold: limit(0.7)}),
	}
}
