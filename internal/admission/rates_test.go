package admission

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

var (
	ann  = Caller{Name: "ann"}
	bob  = Caller{Name: "bob"}
	noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
)

func TestRates(t *testing.T) {
	r := NewRates(4, 8*time.Second) // one comes back every 2 s
	for _, step := range []struct {
		name  string
		who   Caller
		n     int
		after time.Duration // noon
		wait  time.Duration
	}{
		{"the burst", ann, 3, 0, 0},
		{"the rest of it", ann, 1, 0, 0},
		{"too much", ann, 1, 0, 2 * time.Second},
		{"refused, nothing is counted", ann, 1, time.Second, time.Second},
		{"several", ann, 3, time.Second, 5 * time.Second},
		{"another caller", bob, 4, time.Second, 0},
		{"when it was said", ann, 1, 2 * time.Second, 0},
		{"no sooner", ann, 1, 2 * time.Second, 2 * time.Second},
		{"nothing", ann, 0, 2 * time.Second, 0},
		{"more than there is ever", ann, 9, 2 * time.Second, 8 * time.Second},
		{"more than there is ever, of a whole burst", ann, 9, 10 * time.Second, 0},
		{"which was all", ann, 1, 10 * time.Second, 2 * time.Second},
		{"idle, it saves no more than a burst", bob, 4, time.Hour, 0},
		{"and that is all", bob, 1, time.Hour, 2 * time.Second},
	} {
		if got := r.Take(step.who, step.n, noon.Add(step.after)); (got - step.wait).Abs() > time.Microsecond {
			t.Errorf("%s: wait %v, want %v", step.name, got, step.wait)
		}
	}
}

func TestAnonymous(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"::ffff:192.0.2.1", "192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff:1", true},
		{"2001:db8:0:1::1", "2001:db8:0:2::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
	} {
		a, b := Anonymous(netip.MustParseAddr(tt.a)), Anonymous(netip.MustParseAddr(tt.b))
		if (a == b) != tt.same || a.Name != "" {
			t.Errorf("%s is %v, %s is %v", tt.a, a, tt.b, b)
		}
	}
	if nobody := Anonymous(netip.Addr{}); nobody != (Caller{}) {
		t.Errorf("no address is %v", nobody)
	}
}

// TestRatesAreBounded: a flood of addresses takes no more memory than there is room
// for, and whoever is counted already does not get away by it.
func TestRatesAreBounded(t *testing.T) {
	const room = 2000
	r := newRates(100, time.Hour, room)
	for range 100 {
		r.Take(ann, 1, noon)
	}
	for i := range 20 * room {
		var addr [16]byte
		binary.BigEndian.PutUint64(addr[:], uint64(i)|0x2001<<48)
		r.Take(Anonymous(netip.AddrFrom16(addr)), 1, noon)
		if i%1000 == 0 && r.Take(ann, 1, noon) == 0 {
			t.Fatalf("after %d other callers one who has used up all may go on", i)
		}
	}
	r.callers.CleanUp()
	if n := r.callers.EstimatedSize(); n > room {
		t.Errorf("%d callers are kept, want %d at most", n, room)
	}
}

func BenchmarkRates(b *testing.B) {
	r := NewRates(1_000_000_000, time.Second)
	now := time.Now()
	for b.Loop() {
		r.Take(ann, 1, now)
	}
}
