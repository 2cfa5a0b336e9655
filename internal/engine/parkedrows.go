package engine

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/ifmatch/ifmatch/internal/store"
	"github.com/ifmatch/ifmatch/jsonvalue"
)

// A parked write lies in side rows of its document: one of kindParked, which is
// small, since all of a document's are read together, and two with the bodies
// under a kind of their own, kindParked and the id, which are read alone.
const (
	kindParked = "parked"
	rowBase    = "base"
	rowYours   = "yours"
)

// kindOfBodies is the kind of the rows with the bodies of one parked write.
func kindOfBodies(id string) string { return kindParked + "/" + id }

// ParkedWrite is a write that contradicts what happened since its base, kept until
// somebody decides.
type ParkedWrite struct {
	ID string
	By store.Actor // who wrote it, with the roles held then
	At time.Time   // when it was parked
	// Base is the version that its writer had read, with its body. Of its log row it
	// has what tells the version from others.
	Base *store.Entry
	// Yours is the document that the writer made of it.
	Yours []byte

	tests []jsonvalue.Pointer // where it tested what it made
}

// parkedRow is what the row of a parked write says.
type parkedRow struct {
	By      string    `json:"by,omitempty"`
	Roles   []string  `json:"roles,omitempty"`
	At      time.Time `json:"at"`
	Life    int64     `json:"life"`
	Version int64     `json:"version"` // of the base
	Rev     int64     `json:"rev"`     // of the base
	Tests   []string  `json:"tests,omitempty"`
}

// rows are what keeps a parked write.
func (p *ParkedWrite) rows() ([]store.RowChange, error) {
	row := parkedRow{By: p.By.Name, Roles: p.By.Roles, At: p.At, Life: p.Base.Life, Version: p.Base.Version, Rev: p.Base.Rev}
	for _, at := range p.tests {
		row.Tests = append(row.Tests, at.String())
	}
	value, err := json.Marshal(row)
	if err != nil {
		return nil, err
	}
	rows := rowsOf(p.Base.Ref, p.ID)
	rows[0].Value, rows[1].Value, rows[2].Value = value, p.Base.Body, p.Yours
	return rows, nil
}

// rowsOf are the rows of a parked write, without what is in them.
func rowsOf(ref store.Ref, id string) []store.RowChange {
	return []store.RowChange{
		{Row: store.Row{Ref: ref, Kind: kindParked, ID: id}},
		{Row: store.Row{Ref: ref, Kind: kindOfBodies(id), ID: rowBase}},
		{Row: store.Row{Ref: ref, Kind: kindOfBodies(id), ID: rowYours}},
	}
}

// withoutParked are the changes that take parked writes away.
func withoutParked(ref store.Ref, ids ...string) []store.RowChange {
	var rows []store.RowChange
	for _, id := range ids {
		for _, row := range rowsOf(ref, id) {
			row.Delete = true
			rows = append(rows, row)
		}
	}
	return rows
}

// parkedRows returns the parked writes of a document, the oldest first and without
// bodies, and the ids of those from before it was deleted and created again, which
// nobody can decide about any more. A store without side rows has none.
func (e *Engine) parkedRows(ctx context.Context, current *store.Head) (open []*ParkedWrite, past []string, err error) {
	reader, ok := e.store.(store.RowReader)
	if !ok {
		return nil, nil, nil
	}
	rows, err := reader.Rows(ctx, current.Ref, kindParked)
	if err != nil {
		return nil, nil, err
	}
	for i := range rows {
		p, err := parkedOf(&rows[i])
		if err != nil {
			return nil, nil, err
		}
		if p.Base.Life != current.Life {
			past = append(past, p.ID)
			continue
		}
		open = append(open, p)
	}
	slices.SortFunc(open, func(a, b *ParkedWrite) int { return a.place().compare(b.place()) })
	return open, past, nil
}

func parkedOf(row *store.Row) (*ParkedWrite, error) {
	var r parkedRow
	if err := json.Unmarshal(row.Value, &r); err != nil {
		return nil, err
	}
	p := &ParkedWrite{
		ID: row.ID, By: store.Actor{Name: r.By, Roles: r.Roles}, At: r.At,
		Base: &store.Entry{Ref: row.Ref, Rev: r.Rev, Version: r.Version, Life: r.Life},
	}
	for _, text := range r.Tests {
		at, err := jsonvalue.ParsePointer(text)
		if err != nil {
			return nil, err
		}
		p.tests = append(p.tests, at)
	}
	return p, nil
}

// loadBodies reads the bodies of a parked write. It reports false where that was
// decided meanwhile.
func (e *Engine) loadBodies(ctx context.Context, p *ParkedWrite) (bool, error) {
	reader, ok := e.store.(store.RowReader)
	if !ok {
		return false, nil
	}
	rows, err := reader.Rows(ctx, p.Base.Ref, kindOfBodies(p.ID))
	if err != nil || len(rows) == 0 {
		return false, err
	}
	for _, row := range rows {
		switch row.ID {
		case rowBase:
			p.Base.Body = row.Value
		case rowYours:
			p.Yours = row.Value
		}
	}
	return true, nil
}

// ParkedPlace is where a parked write stands among those of its document.
type ParkedPlace struct {
	At time.Time // to the microsecond
	ID string
}

func (p *ParkedWrite) place() ParkedPlace { return ParkedPlace{p.At, p.ID} }

func (a ParkedPlace) compare(b ParkedPlace) int {
	if c := a.At.Compare(b.At); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}
