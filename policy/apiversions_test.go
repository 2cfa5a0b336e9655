package policy

import (
	"slices"
	"strings"
	"testing"
)

func TestAPIVersions(t *testing.T) {
	tests := []struct {
		name, yaml string
		want       []string
		fault      string
	}{
		{"none", `{}`, nil, ""},
		{"any", `api_versions: []`, nil, ""},
		{"two", `api_versions: ["2025-01-01", "v2"]`, []string{"2025-01-01", "v2"}, ""},
		{"an empty one", `api_versions: [""]`, nil, "must not be empty"},
		{"a list in one", `api_versions: ["1, 2"]`, nil, "not one value of a header"},
		{"not ASCII", `api_versions: ["é"]`, nil, "not one value of a header"},
		{"too long", `api_versions: ["` + strings.Repeat("x", 129) + `"]`, nil, "at most 128 characters"},
		{"twice", `api_versions: ["1", "2", "1"]`, nil, "stands here twice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse("policy.yaml", []byte(tt.yaml))
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) || !strings.Contains(err.Error(), "api_versions") {
					t.Fatalf("got %v, want something about %q", err, tt.fault)
				}
				return
			}
			if err != nil || !slices.Equal(p.APIVersions, tt.want) {
				t.Fatalf("got %q, %v", p.APIVersions, err)
			}
		})
	}
}
