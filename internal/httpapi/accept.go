package httpapi

import (
	"net/http"
	"strconv"
	"strings"
)

// quality returns the weight that a request's Accept gives to a media type (RFC
// 9110 §12.5.1): that of the most specific range which it falls in, 0 where
// there is none, 1 without an Accept.
func quality(r *http.Request, media string) float64 {
	lines := r.Header["Accept"]
	if lines == nil {
		return 1
	}
	kind, _, _ := strings.Cut(media, "/")
	ranges := [...]string{"*/*", kind + "/*", media} // the most specific last
	specificity, weight := -1, 0.0
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(item, ";")
			for i := specificity + 1; i < len(ranges); i++ {
				if strings.EqualFold(strings.TrimSpace(name), ranges[i]) {
					specificity, weight = i, weightOf(params)
				}
			}
		}
	}
	return weight
}

// weightOf reads the q of a media range's parameters; one that cannot be read
// counts as none.
func weightOf(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			if q, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil && q >= 0 && q <= 1 {
				return q
			}
		}
	}
	return 1
}
