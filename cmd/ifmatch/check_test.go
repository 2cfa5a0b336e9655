package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.yaml")
	for _, tt := range []struct{ name, text, want string }{
		{"valid", "collections:\n  - name: notes\n", ""},
		{"unknown key", "collections:\n  - name: notes\n    contrakt: {}\n", "policy.yaml:3:5: collections[0].contrakt: unknown key, did you mean contract?"},
		{"impossible value", "store: memory\nlisten: 1\n", "policy.yaml:1:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			err := (&checkCmd{File: file}).Run()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
