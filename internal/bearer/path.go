package bearer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// ParsePath reads where in a token a claim is: a JSON Pointer, or names with points
// between them, as in realm_access.roles. It fails where a name is empty.
func ParsePath(s string) (jsonvalue.Pointer, error) {
	if strings.HasPrefix(s, "/") {
		return jsonvalue.ParsePointer(s)
	}
	names := strings.Split(s, ".")
	if slices.Contains(names, "") {
		return nil, fmt.Errorf("%.64q is no path of a claim; write names with points between them, as in realm_access.roles, or a JSON Pointer", s)
	}
	return names, nil
}
