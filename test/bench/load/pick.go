package load

import (
	"math"
	"math/rand/v2"
)

// Zipf draws ranks 0 … n-1 where rank r has a weight of 1/(r+1)^theta, for a
// theta below 1, which math/rand does not offer. The method is that of Gray et
// al., "Quickly Generating Billion-Record Synthetic Databases" (SIGMOD 1994).
// It is immutable and so safe for concurrent use.
type Zipf struct {
	n, zeta, second, alpha, eta float64
}

// NewZipf prepares a distribution over n ≥ 2 ranks with 0 < theta < 1. It takes
// time in proportion to n.
func NewZipf(n int, theta float64) *Zipf {
	zeta := 0.0
	for i := 1; i <= n; i++ {
		zeta += math.Pow(float64(i), -theta)
	}
	second := math.Pow(0.5, theta)
	return &Zipf{
		n: float64(n), zeta: zeta, second: second,
		alpha: 1 / (1 - theta),
		eta:   (1 - math.Pow(2/float64(n), 1-theta)) / (1 - (1+second)/zeta),
	}
}

// Rank draws one rank.
func (z *Zipf) Rank(r *rand.Rand) int {
	u := r.Float64()
	switch uz := u * z.zeta; {
	case uz < 1:
		return 0
	case uz < 1+z.second:
		return 1
	}
	return min(int(z.n*math.Pow(z.eta*u-z.eta+1, z.alpha)), int(z.n)-1)
}

// scatter maps 0 … n-1 onto itself, one to one, for n below 2^31. Without it
// popular documents would be neighbours in the store.
func scatter(rank, n int) int {
	const prime = 2654435761
	return int(uint64(rank) * prime % uint64(n))
}
