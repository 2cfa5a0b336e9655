package main

import (
	"fmt"
	"math"
	"slices"
)

// outcome is what became of one bar.
type outcome struct {
	bar
	yardsticks, ours []float64 // one figure a round
	reason           string    // why there is no verdict; empty when there is one
}

// unmeasured gives every bar the same reason.
func unmeasured(bars []bar, reason string) []outcome {
	out := make([]outcome, len(bars))
	for i, b := range bars {
		out[i] = outcome{bar: b, reason: reason}
	}
	return out
}

// median is NaN for no values; of an even number it is the mean of the middle two.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(values))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// ratios divides round by round, so that what disturbed the machine in one
// round disturbs one ratio only.
func ratios(ours, yardsticks []float64) []float64 {
	n := min(len(ours), len(yardsticks))
	out := make([]float64, n)
	for i := range n {
		out[i] = ours[i] / yardsticks[i]
	}
	return out
}

// value is what is held against the threshold: the median ratio, or the median
// figure where there is no yardstick.
func (o outcome) value() float64 {
	if o.yardstick == "" {
		return median(o.ours)
	}
	return median(ratios(o.ours, o.yardsticks))
}

func (b bar) reached(value float64, goal *float64) bool {
	if b.atMost {
		return value <= *goal
	}
	return value >= *goal
}

const unmeasuredVerdict = "NOT MEASURED"

// verdict is the last column of the table. Figures of the rounds before a
// failure are shown, but they do not make a verdict.
func (o outcome) verdict() string {
	value := o.value()
	switch {
	case o.reason != "" || math.IsNaN(value):
		return unmeasuredVerdict
	case o.threshold == nil:
		return "for information"
	case !o.reached(value, o.threshold):
		return "NOT MET"
	case o.aim == nil:
		return "met"
	case o.reached(value, o.aim):
		return "met, aim too"
	}
	return "met, aim not"
}

func (b bar) goal(v *float64) string {
	switch {
	case v == nil:
		return "–"
	case b.yardstick == "":
		return b.sign() + " " + quantity(*v, b.unit)
	}
	return fmt.Sprintf("%s %.2f", b.sign(), *v)
}

func (b bar) sign() string {
	if b.atMost {
		return "≤"
	}
	return "≥"
}

// quantity prints three digits or so; rates get thousands separators.
func quantity(v float64, unit string) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case unit == "/s":
		return thousands(int64(math.Round(v))) + " " + unit
	case v == math.Trunc(v) || v >= 100:
		return fmt.Sprintf("%.0f %s", v, unit)
	case v >= 10:
		return fmt.Sprintf("%.1f %s", v, unit)
	}
	return fmt.Sprintf("%.2f %s", v, unit)
}

func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
