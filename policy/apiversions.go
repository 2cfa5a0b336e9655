package policy

import (
	"slices"
	"strconv"
)

// maxAPIVersion bounds a value of Api-Version, in bytes.
const maxAPIVersion = 128

// checkAPIVersion holds a text against what one value of a header can be.
func checkAPIVersion(s string) fault {
	if len(s) > maxAPIVersion {
		return fault("a version of the API has at most " + strconv.Itoa(maxAPIVersion) + " characters, as in 2026-11-01")
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || s[i] == ',' {
			return fault(strconv.Quote(s) + " is not one value of a header; write it in printable ASCII without spaces and commas, as in 2026-11-01")
		}
	}
	return ""
}

func (d *decoder) apiVersions(v *value) []string {
	var versions []string
	for _, one := range v.list {
		if slices.Contains(versions, one.text) {
			d.fail(one.at, one.path, fault(strconv.Quote(one.text)+" stands here twice"))
		}
		versions = append(versions, one.text)
	}
	return versions
}
