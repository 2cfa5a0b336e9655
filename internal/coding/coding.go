// Package coding has the content codings that answers are compressed with: zstd
// (RFC 8878), br (RFC 7932) and gzip (RFC 1952).
package coding

import (
	"errors"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/ifmatch/ifmatch/internal/door"
)

// All returns the codings, the preferred one first: br comes last since it takes
// three times the time of the others. They are safe for concurrent
// use, and take no memory before their first use.
func All() []door.Coding {
	return []door.Coding{
		{Name: "zstd", Encode: encodeZstd()},
		{Name: "gzip", Encode: pooled(newGzip)},
		{Name: "br", Encode: pooled(func() encoder { return brotli.NewWriterLevel(nil, brotliLevel) })},
	}
}

// The levels are those up to which a document of some KiB costs little more than
// its copy over the network saves.
const (
	brotliLevel = 2
	gzipLevel   = 3
)

// encoder is what brotli and gzip have in common.
type encoder interface {
	io.WriteCloser
	Reset(io.Writer)
}

func newGzip() encoder {
	w, err := gzip.NewWriterLevel(nil, gzipLevel)
	must(err) // the level is a constant of ours
	return w
}

// pooled makes an Encode of encoders, which are used again.
func pooled(fresh func() encoder) func(dst, src []byte) []byte {
	pool := sync.Pool{New: func() any { return fresh() }}
	return func(dst, src []byte) []byte {
		e := pool.Get().(encoder)
		defer pool.Put(e)
		out := appender{dst}
		e.Reset(&out)
		_, err := e.Write(src)
		must(errors.Join(err, e.Close())) // writing to memory does not fail
		e.Reset(nil)                      // keeps nothing of the answer alive
		return out.bytes
	}
}

type appender struct{ bytes []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.bytes = append(a.bytes, p...)
	return len(p), nil
}

func encodeZstd() func(dst, src []byte) []byte {
	// One encoder serves all: EncodeAll keeps a state for each that runs at once.
	encoder := sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20))
		must(err) // the options are constants of ours
		return e
	})
	return func(dst, src []byte) []byte { return encoder().EncodeAll(src, dst) }
}

func must(err error) {
	if err != nil {
		panic("coding: " + err.Error())
	}
}
