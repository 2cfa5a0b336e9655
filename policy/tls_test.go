package policy

import (
	"reflect"
	"testing"
	"time"
)

// TestTLSAndLimits: what is said of the server itself means what the reference says,
// and is printed so that it means the same again.
func TestTLSAndLimits(t *testing.T) {
	tests := []struct {
		name, file string
		want       string // what is wrong, "" for nothing
		change     func(*Policy)
	}{
		{"tls beside the file", "tls: {cert: tls/cert.pem, key: /run/key.pem}", "", func(p *Policy) {
			p.TLS = &TLS{Cert: "conf/tls/cert.pem", Key: "/run/key.pem"}
		}},
		{"tls without a key", "tls: {cert: a}", "conf/p.yaml:1:6: tls.key: is missing", nil},
		{"tls without a certificate", "tls: {key: a}", "conf/p.yaml:1:6: tls.cert: is missing", nil},
		{"tls as a text", "tls: a", "conf/p.yaml:1:6: tls: must be a block with the keys cert, key", nil},
		{"tls of a list", "tls: {cert: [a], key: b}", "conf/p.yaml:1:13: tls.cert: must be a text", nil},
		{"tls without a name", "tls: {cert: '', key: b}", "conf/p.yaml:1:13: tls.cert: must not be empty", nil},

		{"rate", "limits: {rate: {burst: 600, per: 1m}}", "", func(p *Policy) { p.Limits.Rate = &Rate{time.Minute, 600} }},
		{"rate over days", "limits: {rate: {burst: 1, per: 1d}}", "", func(p *Policy) { p.Limits.Rate = &Rate{24 * time.Hour, 1} }},
		{"rate without a time", "limits: {rate: {burst: 600}}", "conf/p.yaml:1:16: limits.rate.per: is missing", nil},
		{"rate without a number", "limits: {rate: {per: 1m}}", "conf/p.yaml:1:16: limits.rate.burst: is missing", nil},
		{"rate of nothing", "limits: {rate: {burst: 0, per: 1m}}", "conf/p.yaml:1:24: limits.rate.burst: must be between 1 and 1000000000", nil},
		{"rate in no time", "limits: {rate: {burst: 1, per: 0s}}", "conf/p.yaml:1:32: limits.rate.per: must be more than 0", nil},
		{"rate in a number", "limits: {rate: {burst: 1, per: 60}}", "conf/p.yaml:1:32: limits.rate.per: must be a time such as 90d, 12h or 1h30m", nil},
		{"rate as a number", "limits: {rate: 60}", "conf/p.yaml:1:16: limits.rate: must be a block with the keys burst, per", nil},

		{"at once", "limits: {connections: 16, reads: 1, writes: 2}", "", func(p *Policy) {
			p.Limits.Connections, p.Limits.Reads, p.Limits.Writes = 16, 1, 2
		}},
		{"too few connections", "limits: {connections: 15}", "conf/p.yaml:1:23: limits.connections: must be between 16 and 1000000", nil},
		{"no reads", "limits: {reads: 0}", "conf/p.yaml:1:17: limits.reads: must be between 1 and 1000000", nil},
		{"no writes", "limits: {writes: 0}", "conf/p.yaml:1:18: limits.writes: must be between 1 and 1000000", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("conf/p.yaml", []byte(tt.file))
			if tt.want != "" {
				if err == nil || err.Error() != tt.want {
					t.Errorf("got  %v\nwant %s", err, tt.want)
				}
				return
			}
			want := defaultPolicy()
			tt.change(want)
			if err != nil || !reflect.DeepEqual(p, want) {
				t.Fatalf("got  %+v, %v\nwant %+v", p, err, want)
			}
			text, err := p.MarshalYAML()
			if err != nil {
				t.Fatal(err)
			}
			if again, err := Parse("p.yaml", text); err != nil || !reflect.DeepEqual(again, want) {
				t.Errorf("printed it is %+v, %v", again, err)
			}
		})
	}
}
