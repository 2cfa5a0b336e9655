package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/ifmatch/ifmatch/test/bench/load"
)

const mebibyte = 1 << 20

// bench is one run of the program: its options and what it has started.
type bench struct {
	options
	root     string           // of the module
	dir      string           // everything that is written, removed at the end
	built    map[string]build // by package
	subjects map[server]*subject
	zipf     map[int]*load.Zipf // by number of documents
	runs     uint64
	key      string  // of ifmatchKeyed
	faults   []error // what servers did that they must not
	stores   externals
}

// compare drives both servers in turn, the other one first in every second
// round. When one of them fails, the other's figures are still taken.
func (b *bench) compare(ctx context.Context, c comparison, bars []bar) []outcome {
	out := unmeasured(bars, "")
	sides := [2]side{c.yardstick, c.ours}
	var errs [2]error
	for round := range b.rounds {
		for turn := range sides {
			side := (round + turn) % len(sides)
			if errs[side] != nil {
				continue
			}
			var result *load.Result
			if result, errs[side] = b.drive(ctx, sides[side], c.clients, c.skewed); errs[side] != nil {
				continue
			}
			for i, metric := range c.metrics {
				figures := &out[i].yardsticks
				if side == 1 {
					figures = &out[i].ours
				}
				*figures = append(*figures, metric(result))
			}
		}
	}
	for side, err := range errs {
		for i := range out {
			if err != nil && out[i].reason == "" {
				out[i].reason = fmt.Sprintf("%s: %v", sides[side].server, err)
			}
		}
	}
	return out
}

// drive is one side of one round.
func (b *bench) drive(ctx context.Context, s side, clients int, skewed bool) (*load.Result, error) {
	sub := b.subject(ctx, s.server)
	if sub.err != nil {
		return nil, sub.err
	}
	b.runs++
	plan := load.Plan{
		Addr: sub.addr, Also: sub.others(), Clients: clients, Corpus: sub.corpus, Kind: s.kind, Header: b.header(s.server),
		Warmup: b.warmup, Duration: b.seconds, Seed: b.runs,
	}
	if skewed {
		plan.Zipf = b.zipfFor(sub.corpus.Len())
	}
	stop := make(chan struct{})
	peak := make(chan float64)
	go func() { peak <- sub.watch(stop) }()
	before := processorTime()
	result, err := load.Run(ctx, plan)
	spent := processorTime() - before
	close(stop)
	sub.peak = max(sub.peak, <-peak)
	if err != nil {
		return nil, b.failed(sub, err)
	}
	share := spent.Seconds() / (b.warmup + b.seconds).Seconds()
	b.progress("  %-13s %10s/s  p50 %v  p99 %v  (generator: %.2f processors)", s.server, thousands(int64(result.Rate())),
		result.Latency.Quantile(0.5).Round(time.Microsecond), result.Latency.Quantile(0.99).Round(time.Microsecond), share)
	return result, nil
}

// failed explains what a measurement failed of, and remembers a wrong answer: that
// is not a figure that is missing but a fault of the server.
func (b *bench) failed(sub *subject, err error) error {
	err = sub.explain(err)
	if errors.Is(err, load.ErrWrong) {
		b.faults = append(b.faults, err)
	}
	return err
}

func (b *bench) zipfFor(n int) *load.Zipf {
	if b.zipf[n] == nil {
		b.zipf[n] = load.NewZipf(n, 0.99)
	}
	return b.zipf[n]
}

// watch samples the process's memory until stop and returns the most it saw, 0
// where the system does not tell.
func (p *process) watch(stop <-chan struct{}) float64 {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	peak := 0.0
	for {
		// Where it cannot be read nothing is seen, and memory says so.
		if now, err := p.resident(); err == nil {
			peak = max(peak, now)
		}
		select {
		case <-stop:
			return peak
		case <-tick.C:
		}
	}
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // only the progress line is poorer for it
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// memory loads a server with writes and then reads, and reports the most memory
// that it ever held under load in this run of the program.
func (b *bench) memory(ctx context.Context, s server, bars []bar) []outcome {
	for _, kind := range []load.Kind{load.Replace, load.Read} {
		if _, err := b.drive(ctx, side{s, kind}, manyClients, false); err != nil {
			return unmeasured(bars, fmt.Sprintf("%s: %v", s, err))
		}
	}
	peak := b.subjects[s].peak
	if peak == 0 {
		return unmeasured(bars, "the system does not tell a process's memory")
	}
	out := unmeasured(bars, "")
	out[0].ours = []float64{peak / mebibyte}
	return out
}

// coldStart starts a server once a round on a new store. Its memory is read
// after a second in which nothing asks it anything.
func (b *bench) coldStart(ctx context.Context, bars []bar) []outcome {
	out := unmeasured(bars, "")
	for range b.rounds {
		dsn, err := b.emptyStore(ctx, onSQLite)
		if err != nil {
			return unmeasured(bars, err.Error())
		}
		p, took, err := b.launch(ctx, ifmatch, dsn)
		if err != nil {
			return unmeasured(bars, fmt.Sprintf("%s: %v", ifmatch, err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
		resident, err := p.resident()
		if err != nil {
			out[1].reason = err.Error()
		}
		if err := p.stop(); err != nil {
			return unmeasured(bars, err.Error())
		}
		b.progress("  first answer after %v, %.1f MiB", took.Round(time.Microsecond), resident/mebibyte)
		out[0].ours = append(out[0].ours, float64(took.Microseconds())/1000)
		out[1].ours = append(out[1].ours, resident/mebibyte)
	}
	return out
}
