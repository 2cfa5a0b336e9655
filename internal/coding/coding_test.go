package coding_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/ifmatch/ifmatch/internal/coding"
)

var decoders = map[string]func(io.Reader) (io.Reader, error){
	"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
	"br":   func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
	"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
}

// documents are JSON of several sizes, the empty one and one that does not
// compress among them.
func documents() [][]byte {
	noise := make([]byte, 10_000)
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(noise)
	docs := [][]byte{{}, noise}
	for _, n := range []int{1, 10, 100, 10_000} {
		var b bytes.Buffer
		for i := range n {
			fmt.Fprintf(&b, `{"id":%d,"title":"note %d","done":%t},`, i, i*7919, i%3 == 0)
		}
		docs = append(docs, b.Bytes())
	}
	return docs
}

func TestRoundTrip(t *testing.T) {
	for _, c := range coding.All() {
		t.Run(c.Name, func(t *testing.T) {
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					for _, doc := range documents() {
						coded := c.Encode([]byte("before"), doc)
						r, err := decoders[c.Name](bytes.NewReader(bytes.TrimPrefix(coded, []byte("before"))))
						if err != nil {
							t.Errorf("%v", err)
							return
						}
						if back, err := io.ReadAll(r); err != nil || !bytes.Equal(back, doc) {
							t.Errorf("%d bytes come back as %d: %v", len(doc), len(back), err)
						}
						if len(doc) > 1<<20 || len(doc) > 1000 && doc[0] == '{' && len(coded) > len(doc)/2 {
							t.Errorf("%d bytes are coded as %d", len(doc), len(coded))
						}
					}
				})
			}
			all.Wait()
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, doc := range documents()[4:] {
		for _, c := range coding.All() {
			b.Run(fmt.Sprintf("%s/%d", c.Name, len(doc)), func(b *testing.B) {
				b.SetBytes(int64(len(doc)))
				b.ReportAllocs()
				var coded []byte
				for b.Loop() {
					coded = c.Encode(coded[:0], doc)
				}
				b.ReportMetric(float64(len(coded))/float64(len(doc)), "ratio")
			})
		}
	}
}
