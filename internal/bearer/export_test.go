package bearer

import "time"

// At returns the verifier as it judges at that time.
func (v *Verifier) At(now time.Time) *Verifier {
	return &Verifier{issuers: v.issuers, now: func() time.Time { return now }}
}
