//go:build unix

package torture_test

import (
	"fmt"
	"strings"
)

// change is one version of a document as the store has it in the end.
type change struct {
	version int64
	deleted bool
	log     string
}

// entry names the write that made a change: what it has put at the end of the log.
func (c *change) entry() string { return c.log[strings.LastIndexByte(c.log, ' ')+1:] }

// record is what the store says of each document by its path, in the order of the feed.
type record map[string][]change

// at is the change that made a version, nil where there is none.
func (r record) at(path string, version int64) *change {
	if all := r[path]; version > 0 && version <= int64(len(all)) {
		return &all[version-1]
	}
	return nil
}

// place is where an entry stands.
type place struct {
	path    string
	version int64
}

// audit holds what clients were told against a record.
type audit struct {
	record  record
	made    map[string]place // by entry
	claimed map[string]bool  // entries that some client knows to have sent
	faults  []string
}

func (a *audit) fault(format string, args ...any) {
	a.faults = append(a.faults, fmt.Sprintf(format, args...))
}

// newAudit looks at the record alone: versions without gaps, in order, and each entry once.
func newAudit(r record) *audit {
	a := &audit{record: r, made: make(map[string]place), claimed: make(map[string]bool)}
	for path, changes := range r {
		for i := range changes {
			c := &changes[i]
			if c.version != int64(i)+1 {
				a.fault("change %d of %s is version %d: a gap, an inversion or a double", i+1, path, c.version)
			}
			if c.deleted {
				continue
			}
			if was, twice := a.made[c.entry()]; twice {
				a.fault("%s happened twice: at version %d of %s and at version %d of %s", c.entry(), was.version, was.path, c.version, path)
			}
			a.made[c.entry()] = place{path, c.version}
		}
	}
	return a
}

// absent is a fault where an entry is in the record.
func (a *audit) absent(entry, why string) {
	a.claimed[entry] = true
	if p, there := a.made[entry]; there {
		a.fault("%s %s, and it made version %d of %s", entry, why, p.version, p.path)
	}
}

// settle holds the operations on a pair against the record. Of those that were not
// answered it keeps the ones that happened, and notes where: the others are without effect.
func (a *audit) settle(pair string, ops []operation) (kept []operation) {
	for i := range ops {
		o := &ops[i]
		switch o.got.verdict {
		case done:
			a.happened(pair, o)
		case refused:
			for i := range o.steps {
				if e := o.steps[i].entry; e != "" {
					a.absent(e, "was refused")
				}
			}
		case unknown:
			if !a.resolve(pair, o) {
				continue
			}
		}
		kept = append(kept, *o)
	}
	return kept
}

// happened checks that what was acknowledged is in the record, where it was said to be.
func (a *audit) happened(pair string, o *operation) {
	for i := range o.steps {
		s, want := &o.steps[i], place{path(pair, o.steps[i].doc), o.got.versions[i]}
		switch s.kind {
		case read, check:
		case remove:
			if c := a.record.at(want.path, want.version); c == nil || !c.deleted {
				a.fault("lost: the deletion of %s that made version %d", want.path, want.version)
			}
		case put, add:
			a.claimed[s.entry] = true
			if is, there := a.made[s.entry]; !there || is != want {
				a.fault("lost: %s was acknowledged as version %d of %s, and is %+v", s.entry, want.version, want.path, is)
			}
		}
	}
}

// resolve tells whether an operation that was not answered happened.
func (a *audit) resolve(pair string, o *operation) bool {
	happened, writes := 0, 0
	for i := range o.steps {
		s := &o.steps[i]
		switch s.kind {
		case read, check:
		case remove:
			// Deletions bear no name. This one may have been another's: the model
			// leaves both open.
			c := a.record.at(path(pair, s.doc), int64(s.pre)+1)
			return c != nil && c.deleted
		case put, add:
			writes++
			a.claimed[s.entry] = true
			if is, there := a.made[s.entry]; there {
				happened++
				o.got.versions[i] = is.version
			}
		}
	}
	if happened > 0 && happened < writes {
		a.fault("torn: of %d writes of a batch %d happened: %s", writes, happened, describe(o.steps, o.got))
	}
	return happened > 0
}

// foreign is a fault for each entry that nobody has sent.
func (a *audit) foreign() {
	for entry, p := range a.made {
		if !a.claimed[entry] {
			a.fault("nobody has sent %q, which made version %d of %s", entry, p.version, p.path)
		}
	}
}
