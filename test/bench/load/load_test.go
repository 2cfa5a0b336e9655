package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestReadResponse(t *testing.T) {
	tests := []struct {
		name, in string
		status   int
		etag     string
		body     string
	}{
		{"body and tag", "HTTP/1.1 200 OK\r\nETag: \"5\"\r\nContent-Length: 2\r\n\r\n{}", 200, `"5"`, "{}"},
		{"names in any case", "HTTP/1.1 201 Created\r\netag:\"7\"\r\nCONTENT-LENGTH:\t3 \r\n\r\nabc", 201, `"7"`, "abc"},
		{"not modified has no body", "HTTP/1.1 304 Not Modified\r\nETag: \"5\"\r\nContent-Length: 1024\r\n\r\n", 304, `"5"`, ""},
		{"tag of the document", "HTTP/1.1 200 OK\r\nIfmatch-Etag: \"6\"\r\nContent-Length: 0\r\n\r\n", 200, `"6"`, ""},
		{"tag of the answer first", "HTTP/1.1 200 OK\r\nIfmatch-Etag: \"6\"\r\nETag: \"5\"\r\nContent-Length: 0\r\n\r\n", 200, `"5"`, ""},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", ""},
		{"no reason phrase", "HTTP/1.1 412 \r\nContent-Length: 0\r\n\r\n", 412, "", ""},
		{"blank line inside the body", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\na\r\n\r\nb", 200, "", "a\r\n\r\nb"},
		{"keep-alive is said", "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", 200, "", ""},
	}
	for _, tt := range tests {
		for name, r := range map[string]io.Reader{
			"whole":        strings.NewReader(tt.in),
			"byte by byte": iotest.OneByteReader(strings.NewReader(tt.in)),
			"with EOF":     iotest.DataErrReader(strings.NewReader(tt.in)),
		} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				resp, err := readResponse(r, make([]byte, 256))
				if err != nil {
					t.Fatal(err)
				}
				if resp.Status != tt.status || string(resp.State()) != tt.etag || string(resp.Body) != tt.body {
					t.Errorf("got %d %q %q, want %d %q %q", resp.Status, resp.State(), resp.Body, tt.status, tt.etag, tt.body)
				}
			})
		}
	}
}

func TestReadResponseRefuses(t *testing.T) {
	tests := []struct{ name, in string }{
		{"other protocol", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"},
		{"status of letters", "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n"},
		{"status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"},
		{"interim answer", "HTTP/1.1 100 Continue\r\n\r\n"},
		{"short status line", "HTTP/1.1 20\r\n\r\n"},
		{"no length", "HTTP/1.1 200 OK\r\n\r\n"},
		{"length of letters", "HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n"},
		{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"},
		{"empty length", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n"},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"connection is closed", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"},
		{"header without colon", "HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n"},
		{"body beyond the buffer", "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n"},
		{"head beyond the buffer", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 300)},
		{"bytes after the end", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if resp, err := readResponse(strings.NewReader(tt.in), make([]byte, 256)); !errors.Is(err, ErrResponse) {
				t.Errorf("got %+v and error %v, want ErrResponse", resp, err)
			}
		})
	}
	for _, in := range []string{"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"} {
		if _, err := readResponse(strings.NewReader(in), make([]byte, 256)); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut answer %q: got error %v, want the end of the stream", in, err)
		}
	}
}

func FuzzReadResponse(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nETag: \"5\"\r\nContent-Length: 2\r\n\r\n{}"))
	f.Add([]byte("HTTP/1.1 304 Not Modified\r\nETag: \"5\"\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, err := readResponse(bytes.NewReader(in), make([]byte, 512))
		if err != nil {
			return
		}
		if whole.size != len(in) {
			t.Fatalf("took %d bytes of %d", whole.size, len(in))
		}
		split, err := readResponse(iotest.OneByteReader(bytes.NewReader(in)), make([]byte, 512))
		if err != nil {
			t.Fatalf("byte by byte: %v", err)
		}
		if whole.Status != split.Status || !bytes.Equal(whole.ETag, split.ETag) || !bytes.Equal(whole.Body, split.Body) {
			t.Fatalf("whole %+v, byte by byte %+v", whole, split)
		}
	})
}

func TestHistogramQuantile(t *testing.T) {
	var ordinary, tail Histogram
	for i := 1; i <= 990; i++ {
		ordinary.Record(time.Duration(i) * time.Microsecond)
	}
	for range 10 {
		tail.Record(50 * time.Millisecond)
	}
	ordinary.Merge(&tail)
	if ordinary.Count() != 1000 {
		t.Fatalf("count %d", ordinary.Count())
	}
	for _, tt := range []struct {
		q    float64
		want time.Duration
	}{
		{0, time.Microsecond}, {0.5, 500 * time.Microsecond}, {0.99, 990 * time.Microsecond},
		{0.991, 50 * time.Millisecond}, {1, 50 * time.Millisecond},
	} {
		got := ordinary.Quantile(tt.q)
		if got < tt.want || float64(got) > float64(tt.want)*1.016+1 {
			t.Errorf("quantile %v: got %v, want %v or at most 1.6 %% more", tt.q, got, tt.want)
		}
	}
	if got := new(Histogram).Quantile(0.5); got != 0 {
		t.Errorf("empty histogram: got %v", got)
	}
}

func TestBucketBounds(t *testing.T) {
	for _, v := range []uint64{0, 1, 63, 64, 127, 128, 129, 255, 256, 1 << 20, 1<<20 + 12345, math.MaxInt64} {
		b := bucket(v)
		if u := upper(b); u < v || u-v > v/subCount {
			t.Errorf("%d falls into bucket %d, whose upper bound is %d", v, b, u)
		}
		if b > 0 && upper(b-1) >= v {
			t.Errorf("%d belongs into bucket %d or below", v, b-1)
		}
	}
}

func TestZipfShares(t *testing.T) {
	const n, draws = 1000, 400_000
	z := NewZipf(n, 0.99)
	r := rand.New(rand.NewPCG(1, 2))
	counts := make([]int, n)
	for range draws {
		counts[z.Rank(r)]++
	}
	// The method is exact for the first two ranks and an approximation beyond.
	for _, tt := range []struct {
		rank int
		slip float64
	}{{0, 0.03}, {1, 0.03}, {9, 0.15}, {99, 0.25}} {
		want := draws / z.zeta / math.Pow(float64(tt.rank+1), 0.99)
		if got := float64(counts[tt.rank]); math.Abs(got-want) > want*tt.slip {
			t.Errorf("rank %d was drawn %v times, want %.0f", tt.rank, got, want)
		}
	}
}

func TestScatterIsOneToOne(t *testing.T) {
	for _, n := range []int{1, 64, 10_000, 99_991} {
		seen := make([]bool, n)
		for i := range n {
			seen[scatter(i, n)] = true
		}
		if slices.Contains(seen, false) {
			t.Errorf("some of %d documents are never chosen", n)
		}
	}
}

func TestDocument(t *testing.T) {
	d := newDocument()
	before := bytes.Clone(d.body)
	d.stamp(firstStamp + 1)
	if len(d.body) != DocumentSize || bytes.Equal(before, d.body) {
		t.Fatalf("%d bytes, changed by the stamp: %v", len(d.body), !bytes.Equal(before, d.body))
	}
	var members map[string]any
	if err := json.Unmarshal(d.body, &members); err != nil {
		t.Fatal(err)
	}
	if len(members) < 20 {
		t.Errorf("%d members, want at least 20", len(members))
	}
	if got := members["revision"]; got != float64(firstStamp+1) {
		t.Errorf("revision %v", got)
	}
}

func TestFields(t *testing.T) {
	d := newFields()
	var members map[string]any
	if err := json.Unmarshal(d.body, &members); err != nil {
		t.Fatal(err)
	}
	if len(d.body) != DocumentSize || len(members) != Writers+1 {
		t.Errorf("%d bytes, %d members", len(d.body), len(members))
	}
	for i := range Writers {
		if _, ok := members[fieldName(i)]; !ok {
			t.Errorf("writer %d has no member", i)
		}
	}
	if got := string(appendPatch(nil, 7, 5)); got != `{"w07":1000005}` {
		t.Errorf("patch %s", got)
	}
}

func TestPath(t *testing.T) {
	for _, i := range []int{0, 7, 12345678} {
		if got := string(appendPath(nil, i)); got != Path(i) {
			t.Errorf("got %s, want %s", got, Path(i))
		}
	}
}
