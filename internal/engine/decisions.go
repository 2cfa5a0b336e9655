package engine

import (
	"bytes"
	"encoding/json"

	"github.com/ifmatch/ifmatch/merge"
)

// decision is a decision of a merge as the log keeps it.
type decision struct {
	Path   string `json:"path"`
	Winner string `json:"winner"`
	Rule   string `json:"rule"`
	By     string `json:"by,omitempty"` // who chose, of [merge.RuleChosen]
}

// note says in the log which parked write a row is about. It stands before the
// decisions.
type note struct {
	Conflict string `json:"conflict"`
	By       string `json:"by,omitempty"` // whose write it is
}

// encodeDecisions makes what the log keeps of a merge: the parked write that it is
// about, nil for none, and what was decided. Chooser is who made the choices.
func encodeDecisions(about *note, decisions []merge.Decision, chooser string) ([]byte, error) {
	var rows []any
	if about != nil {
		rows = append(rows, about)
	}
	for _, d := range decisions {
		row := decision{Path: d.Path.String(), Winner: string(d.Winner), Rule: d.Rule}
		if d.Rule == merge.RuleChosen {
			row.By = chooser
		}
		rows = append(rows, row)
	}
	if rows == nil {
		return nil, nil
	}
	return json.Marshal(rows)
}

// conflictOf returns the id of the parked write that a log row is about, "" for
// none.
func conflictOf(decisions []byte) string {
	rest, ok := bytes.CutPrefix(decisions, []byte(`[{"conflict":"`))
	if !ok {
		return ""
	}
	id, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(id)
}
