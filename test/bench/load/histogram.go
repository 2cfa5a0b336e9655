package load

import (
	"math/bits"
	"time"
)

const (
	subBits    = 6 // 64 steps for each doubling: a value is at most 1.6 % off
	subCount   = 1 << subBits
	numBuckets = (64 - subBits + 1) * subCount
)

// Histogram counts durations in logarithmic buckets. The zero value is empty.
// One goroutine may use it at a time.
type Histogram struct {
	counts [numBuckets]uint32
	total  uint64
}

func bucket(v uint64) int {
	shift := max(0, bits.Len64(v)-subBits-1)
	return shift<<subBits + int(v>>shift)
}

// upper is the greatest value that falls into a bucket.
func upper(b int) uint64 {
	if b < 2*subCount {
		return uint64(b)
	}
	shift := b>>subBits - 1
	return (uint64(b&(subCount-1)|subCount)+1)<<shift - 1
}

// Record counts one duration; a negative one counts as zero.
func (h *Histogram) Record(d time.Duration) {
	h.counts[bucket(uint64(max(0, d)))]++
	h.total++
}

// Merge adds the counts of other.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
}

// Count is the number of durations recorded.
func (h *Histogram) Count() uint64 { return h.total }

// Quantile returns the least bucket bound that at least the share q (0 to 1) of
// the durations does not exceed, 0 when nothing was recorded.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	// Rounded up: the 0.99 quantile of 10 durations is the 10th, not the 9th.
	rank := uint64(q * float64(h.total))
	if float64(rank) < q*float64(h.total) || rank == 0 {
		rank++
	}
	var seen uint64
	for i, n := range h.counts {
		if seen += uint64(n); seen >= rank {
			return time.Duration(upper(i))
		}
	}
	return time.Duration(upper(numBuckets - 1))
}
