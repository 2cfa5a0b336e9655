package sqlite

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	lib "modernc.org/sqlite/lib"
)

// disk is the model of a disk beneath a faultVFS. It promises no more than POSIX
// does: a write is durable once its file was flushed after it, and a file is
// found under its name once its folder was flushed after it was made or removed.
type disk struct {
	mu      sync.Mutex
	live    map[string]*inode
	durable map[string]*inode
	moves   []move // changes of names since the folder was flushed
	faults  []*fault
	ops     int
	syncs   map[*inode]int

	// The power cut.
	rng     *rand.Rand
	cutAt   int // before which operation; 0 is never
	variant cutVariant
	image   map[string][]byte // what the cut left; nil until then
	dropped int               // changes that were not durable at the cut
}

// inode is the content of one file, whatever its name is by now.
type inode struct {
	content []byte // that is durable
	since   []change
	seq     int // changes ever made
}

type change struct {
	seq      int
	offset   int64 // or the new size
	data     []byte
	truncate bool
}

// move makes a name stand for a file; nil removes it.
type move struct {
	path string
	node *inode
}

// cutVariant says what becomes of a change that was not flushed.
type cutVariant string

const (
	cutDrops  cutVariant = "drops all"     // the cache is lost
	cutSubset cutVariant = "drops some"    // written back in no order
	cutTorn   cutVariant = "tears sectors" // each sector by itself
)

const sector = 512

type operation string

const (
	opOpen     operation = "open"
	opDelete   operation = "delete"
	opWrite    operation = "write"
	opTruncate operation = "truncate"
	opSync     operation = "sync"
)

// fault makes operations fail.
type fault struct {
	op     operation
	suffix string // of the path
	code   int32  // of SQLite
	skip   int    // operations that are let pass first
	times  int    // how often; below 0 until it is lifted
	fired  chan struct{}
}

func newDisk() *disk {
	return &disk{live: make(map[string]*inode), durable: make(map[string]*inode), syncs: make(map[*inode]int)}
}

// inject adds a fault, which fires at operations that begin from now on. It
// closes f.fired at the first.
func (d *disk) inject(f *fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f.fired = make(chan struct{})
	d.faults = append(d.faults, f)
}

// lift ends all faults.
func (d *disk) lift() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = nil
}

// step comes before every operation: the power may go, or the operation fail.
func (d *disk) step(op operation, path string) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ops++
	if d.ops == d.cutAt {
		d.cut()
	}
	for _, f := range d.faults {
		if f.op == op && strings.HasSuffix(path, f.suffix) && f.times != 0 {
			if f.skip > 0 {
				f.skip--
				continue
			}
			f.times--
			select {
			case <-f.fired:
			default:
				close(f.fired)
			}
			return f.code
		}
	}
	return lib.SQLITE_OK
}

// open returns the file under a name. One that was there before anything was
// opened through this disk is durable.
func (d *disk) open(path string, content []byte, existed bool) *inode {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := d.live[path]; n != nil {
		return n
	}
	n := &inode{}
	d.live[path] = n
	if existed {
		n.content = content
		d.durable[path] = n
	} else {
		d.moves = append(d.moves, move{path, n})
	}
	return n
}

func (d *disk) remove(path string, syncDir bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.live, path)
	d.moves = append(d.moves, move{path, nil})
	if syncDir {
		d.syncNames()
	}
}

func (d *disk) syncNames() {
	d.durable, d.moves = maps.Clone(d.live), nil
}

func (d *disk) change(n *inode, c change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n.seq++
	c.seq, c.data = n.seq, bytes.Clone(c.data) // the memory is SQLite's
	n.since = append(n.since, c)
}

// pending returns the number of the newest change, up to which a flush that
// begins now makes changes durable.
func (d *disk) pending(n *inode) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return n.seq
}

func (d *disk) sync(n *inode, upTo int, names bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs[n]++
	for len(n.since) > 0 && n.since[0].seq <= upTo {
		n.content = n.since[0].apply(n.content)
		n.since = n.since[1:]
	}
	if names {
		d.syncNames()
	}
}

// fail drops what a flush that failed was to make durable, as Linux does: the
// file still shows it, and no later flush writes it.
func (d *disk) fail(n *inode, upTo int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n.since = slices.DeleteFunc(n.since, func(c change) bool { return c.seq <= upTo })
}

func (c change) apply(content []byte) []byte {
	size := c.offset
	if !c.truncate {
		size = max(int64(len(content)), c.offset+int64(len(c.data)))
	}
	if size <= int64(len(content)) {
		content = content[:size]
	} else {
		content = append(content, make([]byte, size-int64(len(content)))...)
	}
	copy(content[c.offset:], c.data)
	return content
}

// sectors splits a write where the disk may tear it.
func (c change) sectors() []change {
	if c.truncate {
		return []change{c}
	}
	var all []change
	for offset, data := c.offset, c.data; len(data) > 0; {
		n := min(sector-offset%sector, int64(len(data)))
		all = append(all, change{offset: offset, data: data[:n]})
		offset, data = offset+n, data[n:]
	}
	return all
}

// cut takes the picture that the power cut leaves.
func (d *disk) cut() {
	names := maps.Clone(d.durable)
	kept := 0
	if d.variant != cutDrops {
		kept = d.rng.IntN(len(d.moves) + 1) // folders are written back in order
	}
	d.dropped = len(d.moves) - kept
	for _, m := range d.moves[:kept] {
		if names[m.path] = m.node; m.node == nil {
			delete(names, m.path)
		}
	}
	d.image = make(map[string][]byte)
	for path, n := range names {
		d.image[path] = d.survivors(n)
	}
}

// cutNow cuts the power.
func (d *disk) cutNow() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cut()
}

// operations counts what was asked of the disk.
func (d *disk) operations() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ops
}

// survivors is what is left of a file.
func (d *disk) survivors(n *inode) []byte {
	content := bytes.Clone(n.content)
	for _, c := range n.since {
		parts := []change{c}
		if d.variant == cutTorn {
			parts = c.sectors()
		}
		for _, p := range parts {
			if d.variant != cutDrops && d.rng.IntN(2) == 0 {
				content = p.apply(content)
			} else {
				d.dropped++
			}
		}
	}
	return content
}

// flushes tells how often the file under a name was flushed.
func (d *disk) flushes(path string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.syncs[d.live[path]]
}

// off tells whether the power is gone.
func (d *disk) off() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.image != nil
}

// ifOn runs f unless the power is gone, and holds the cut back meanwhile.
func (d *disk) ifOn(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.image == nil {
		f()
	}
}
