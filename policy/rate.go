package policy

import (
	"time"

	"github.com/goccy/go-yaml"
)

// Rate bounds how much one caller may ask for. Burst requests may come at once, and
// Burst of them in every Per.
type Rate struct {
	Per   time.Duration // more than 0
	Burst int           // at least 1
}

var rateKeys = []*key{
	{name: "burst", kind: kindCount, required: true, min: 1, max: 1_000_000_000, doc: "How many requests may come at once. A batch counts as one for each of its operations, but not as more than this."},
	{name: "per", kind: kindDuration, required: true, doc: "The time in which `burst` requests are granted anew, evenly: with `{burst: 600, per: 1m}` one comes back every tenth of a second."},
}

// rate makes a Rate of its block, nil where that is not there.
func rate(v *value) *Rate {
	if !v.set {
		return nil
	}
	return &Rate{Per: v.get("per").duration, Burst: int(v.get("burst").number)}
}

func (r *Rate) members() yaml.MapSlice {
	return yaml.MapSlice{{Key: "burst", Value: r.Burst}, {Key: "per", Value: formatDuration(r.Per)}}
}
