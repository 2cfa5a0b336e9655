package transfer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"sync"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// maxParallel bounds how many documents are on their way at once.
const maxParallel = 64

// maxLine bounds one line, so that a file that is none of lines ends with an
// error rather than in memory.
const maxLine = 64 << 20

// keepEvery is after how many lines the state is kept.
const keepEvery = 1000

// ImportOptions say how documents are brought back.
type ImportOptions struct {
	// Update writes a document whose line has an etag where that is still the
	// current one. Without it, and for lines without one, documents are only
	// created: what exists is left alone.
	Update bool
	// Parallel is how many documents are on their way at once, at most 64; 0
	// means 16. The lines of one document always go one after the other.
	Parallel int
	// Refused is called with every line that was not taken, one at a time, in no
	// order. Nil drops them.
	Refused func(Refused)
	// Progress is called now and then with the bytes of the file that are done.
	// Nil is fine.
	Progress func(bytes int64)
}

// Refused is a line that was not taken, and why.
type Refused struct {
	Line   int64  // from 1
	Text   []byte // the line, without its end
	Reason error  // a [*Refusal], or what is wrong with the line
}

// Tally counts what became of the lines.
type Tally struct {
	Created, Replaced int64
	Unchanged         int64 // what the line says is there already
	Refused           int64
	Resumed           int64 // lines that an earlier run has done
}

// ImportFile brings the documents of a file back into the collection. It is run
// again after an interruption and goes on where it was; a line that was on its
// way then is sent twice, which its precondition makes harmless. Lines that are
// refused are told of and left; it fails where no line could be taken any more:
// the file cannot be read, the server cannot be reached, or takes nothing from
// this caller.
func (r *Remote) ImportFile(ctx context.Context, path string, o ImportOptions) (Tally, error) {
	s, _, err := loadState(path, r.url)
	if err != nil {
		return Tally{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return Tally{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	if _, err := f.Seek(s.Offset, io.SeekStart); err != nil {
		return Tally{}, err
	}
	im := newImporter(r, o, &s, func() error { return s.save(path) })
	im.tally.Resumed = s.Lines
	if err := im.run(ctx, f); err != nil {
		return im.tally, errors.Join(err, s.save(path))
	}
	return im.tally, removeState(path)
}

// Import is ImportFile from a stream, which cannot be taken up again.
func (r *Remote) Import(ctx context.Context, in io.Reader, o ImportOptions) (Tally, error) {
	im := newImporter(r, o, &state{URL: r.url}, func() error { return nil })
	err := im.run(ctx, in)
	return im.tally, err
}

// importer is one import on its way. Lines are dealt to workers by their ids, so
// that a document's lines stay in order.
type importer struct {
	remote *Remote
	o      ImportOptions
	keep   func() error
	lanes  []chan *line

	mu      sync.Mutex
	tally   Tally
	state   *state
	pending []*line // in the order of the file; those in front are not done
	kept    int64   // lines when the state was last kept
	fatal   error
	cancel  context.CancelFunc
}

// line is one line on its way.
type line struct {
	number int64
	size   int64 // in the file, its end included
	text   []byte
	item   item
	done   bool
}

func newImporter(r *Remote, o ImportOptions, s *state, keep func() error) *importer {
	if o.Parallel <= 0 {
		o.Parallel = 16
	}
	im := &importer{remote: r, o: o, keep: keep, state: s, kept: s.Lines}
	for range min(o.Parallel, maxParallel) {
		im.lanes = append(im.lanes, make(chan *line, 1))
	}
	return im
}

// run imports until the end of in, or until something is fatal.
func (im *importer) run(ctx context.Context, in io.Reader) error {
	ctx, im.cancel = context.WithCancel(ctx)
	defer im.cancel()
	var workers sync.WaitGroup
	for _, lane := range im.lanes {
		workers.Go(func() {
			for l := range lane {
				im.one(ctx, l)
			}
		})
	}
	err := im.deal(ctx, in)
	for _, lane := range im.lanes {
		close(lane)
	}
	workers.Wait()
	if im.fatal != nil {
		return im.fatal
	}
	return err
}

// deal reads the lines and hands them out.
func (im *importer) deal(ctx context.Context, in io.Reader) error {
	reader := bufio.NewReaderSize(in, 1<<16)
	seed := maphash.MakeSeed()
	for number := im.state.Lines + 1; ; number++ {
		text, size, err := readLine(reader)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		l := &line{number: number, size: size, text: text}
		var bad error
		if len(text) > 0 {
			l.item, bad = parseItem(text)
		}
		im.mu.Lock()
		im.pending = append(im.pending, l)
		im.mu.Unlock()
		if bad != nil || len(text) == 0 {
			im.settle(l, nothing, bad)
			continue
		}
		select {
		case im.lanes[maphash.String(seed, l.item.id)%uint64(len(im.lanes))] <- l:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// readLine returns the next line without its end, and its size with it.
func readLine(r *bufio.Reader) (text []byte, size int64, err error) {
	for {
		part, err := r.ReadSlice('\n')
		text = append(text, part...)
		if len(text) > maxLine {
			return nil, 0, fmt.Errorf("longer than %d MiB; is this a file of JSON Lines?", maxLine>>20)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if errors.Is(err, io.EOF) && len(text) > 0 {
			err = nil
		}
		size = int64(len(text))
		for len(text) > 0 && (text[len(text)-1] == '\n' || text[len(text)-1] == '\r') {
			text = text[:len(text)-1]
		}
		return text, size, err
	}
}

// one sends a line, unless the import has failed meanwhile.
func (im *importer) one(ctx context.Context, l *line) {
	if ctx.Err() != nil {
		return
	}
	became, err := im.remote.bring(ctx, &l.item, im.o.Update)
	if refused, ok := errors.AsType[*Refusal](err); err != nil && (!ok || refused.hopeless()) {
		im.fail(err)
		return
	}
	im.settle(l, became, err)
}

// fail ends the import. What was not done stays undone, for the next run.
func (im *importer) fail(err error) {
	im.mu.Lock()
	defer im.mu.Unlock()
	if im.fatal == nil {
		im.fatal = err
	}
	im.cancel()
}

// settle counts a line, and moves the state past all lines in front that are done.
func (im *importer) settle(l *line, became fate, refused error) {
	im.mu.Lock()
	defer im.mu.Unlock()
	l.done = true
	switch {
	case refused != nil:
		im.tally.Refused++
		if im.o.Refused != nil {
			im.o.Refused(Refused{Line: l.number, Text: l.text, Reason: refused})
		}
	case became == created:
		im.tally.Created++
	case became == replaced:
		im.tally.Replaced++
	case became == unchanged:
		im.tally.Unchanged++
	}
	l.text, l.item = nil, item{} // it may wait long for those in front of it
	for len(im.pending) > 0 && im.pending[0].done {
		im.state.Offset += im.pending[0].size
		im.state.Lines++
		im.pending[0] = nil
		im.pending = im.pending[1:]
	}
	if im.state.Lines-im.kept < keepEvery {
		return
	}
	im.kept = im.state.Lines
	if im.o.Progress != nil {
		im.o.Progress(im.state.Offset)
	}
	if err := im.keep(); err != nil && im.fatal == nil {
		im.fatal = err
		im.cancel()
	}
}

// item is a line's document.
type item struct {
	id, etag string
	data     jsonvalue.Value
}

// parseItem reads a line.
func parseItem(text []byte) (item, error) {
	v, err := jsonvalue.Parse(text, jsonvalue.Limits{Depth: maxDepth})
	if err != nil {
		return item{}, err
	}
	i := item{id: v.Lookup("id").Text(), etag: v.Lookup("etag").Text(), data: v.Lookup("data")}
	switch {
	case v.Lookup("id").Kind() != jsonvalue.KindString || i.id == "":
		return item{}, errors.New(`a line is {"id":"…","data":{…}}, and this one has no id`)
	case i.data.Kind() != jsonvalue.KindObject:
		return item{}, errors.New(`a line is {"id":"…","data":{…}}, and this one has no object as its data`)
	}
	return i, nil
}
