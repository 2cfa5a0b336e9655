package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"github.com/ifmatch/ifmatch/test/bench/load"
)

// What an overload is: so many times as many writes as can be carried out, over as many
// connections as many clients have.
const (
	overloadFactor      = 10
	overloadConnections = 1024
	// lightly loaded is a server that has this share of what it can do to do.
	lightShare = 0.1
	// recovery is how long after an overload a server may take until it is as before.
	recovery = 2 * time.Second
)

// overloadBars hold what becomes of writes when there are far too many.
func overloadBars() experiment {
	bars := []bar{
		{name: "overload", what: "p99 of accepted PUTs at 10 times the capacity", unit: "ms", yardstick: "at a tenth of it", atMost: true, threshold: limit(5)},
		{name: "overload-accepted", what: "accepted PUTs at 10 times the capacity", unit: "/s", yardstick: "capacity"},
		{name: "overload-after", what: "PUTs of 64 clients, 2 s later", unit: "/s", yardstick: "capacity", threshold: limit(0.9)},
	}
	return experiment{bars: bars, onRequest: true, run: func(ctx context.Context, b *bench) []outcome { return b.overload(ctx, bars) }}
}

// overload measures, each round: how much can be done, in closed loop; how long it takes
// when there is little to do; what becomes of far too much; and what can be done again
// after that. Server and generator have a processor each where that can be had.
func (b *bench) overload(ctx context.Context, bars []bar) []outcome {
	apart, err := keepToProcessor(1)
	if err != nil {
		b.progress("  server and generator share the processors: %v", err)
	}
	defer apart()
	out := unmeasured(bars, "")
	for range b.rounds {
		if err := b.overloadOnce(ctx, out); err != nil {
			return unmeasured(bars, fmt.Sprintf("%s: %v", ifmatchApart, err))
		}
	}
	return out
}

func (b *bench) overloadOnce(ctx context.Context, out []outcome) error {
	before, err := b.drive(ctx, side{ifmatchApart, load.Replace}, manyClients, false)
	if err != nil {
		return err
	}
	capacity := before.Rate()
	light, err := b.flood(ctx, "light", capacity*lightShare)
	if err != nil {
		return err
	}
	if light.Refused > 0 {
		b.faults = append(b.faults, fmt.Errorf("%w: %d of %d writes are refused at %.0f %% of the capacity", load.ErrWrong, light.Refused, light.Due, 100*lightShare))
	}
	heavy, err := b.flood(ctx, "overload", capacity*overloadFactor)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(recovery):
	}
	after, err := b.drive(ctx, side{ifmatchApart, load.Replace}, manyClients, false)
	if err != nil {
		return err
	}
	figures := [][2]float64{
		{milliseconds(&light.Latency), milliseconds(&heavy.Latency)},
		{capacity, heavy.AcceptedRate()},
		{capacity, after.Rate()},
	}
	for i, f := range figures {
		out[i].yardsticks, out[i].ours = append(out[i].yardsticks, f[0]), append(out[i].ours, f[1])
	}
	return nil
}

func milliseconds(h *load.Histogram) float64 {
	return float64(h.Quantile(0.99).Microseconds()) / 1000
}

// flood sends writes at a rate, in open loop.
func (b *bench) flood(ctx context.Context, name string, rate float64) (*load.Flood, error) {
	sub := b.subject(ctx, ifmatchApart)
	b.runs++
	f, err := load.RunFlood(ctx, load.Plan{
		Addr: sub.addr, Clients: overloadConnections, Corpus: sub.corpus, Kind: load.Replace, Header: b.header(ifmatchApart),
		Duration: b.seconds, Seed: b.runs,
	}, rate)
	if err != nil {
		return nil, b.failed(sub, err)
	}
	b.progress("  %-13s due %s/s  accepted %s/s  refused %s/s  unsent %s/s  p50 %v  p99 %v  p99.9 %v  refusals p50 %v  p99 %v", name,
		eachSecond(f.Due, f), eachSecond(f.Accepted, f), eachSecond(f.Refused, f), eachSecond(f.Unsent, f),
		shown(&f.Latency, 0.5), shown(&f.Latency, 0.99), shown(&f.Latency, 0.999), shown(&f.Refusals, 0.5), shown(&f.Refusals, 0.99))
	return f, nil
}

func eachSecond(n uint64, f *load.Flood) string {
	return thousands(int64(float64(n) / f.Elapsed.Seconds()))
}

func shown(h *load.Histogram, q float64) time.Duration {
	return h.Quantile(q).Round(time.Microsecond)
}

// taskset is the program that binds others to processors.
const taskset = "taskset"

// keepToProcessor binds this process to one processor, until back is called.
func keepToProcessor(n int) (back func(), err error) {
	back = func() {}
	if runtime.NumCPU() < 2 {
		return back, errors.New("there is one alone")
	}
	bind := func(list string) error {
		return exec.Command(taskset, "-a", "-c", "-p", list, strconv.Itoa(os.Getpid())).Run()
	}
	if err := bind(strconv.Itoa(n)); err != nil {
		return back, fmt.Errorf("%s: %w", taskset, err)
	}
	threads := runtime.GOMAXPROCS(1)
	return func() {
		runtime.GOMAXPROCS(threads)
		// Where that fails, what is measured after this has a processor less.
		_ = bind("0-" + strconv.Itoa(runtime.NumCPU()-1))
	}, nil
}

// apart is how a server is started that keeps to a processor of its own, where that can
// be had.
func apart(binary string, args []string) (string, []string) {
	if path, err := exec.LookPath(taskset); err == nil && runtime.NumCPU() > 1 {
		return path, append([]string{"-c", "0", binary}, args...)
	}
	return binary, args
}
