package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/ifmatch/ifmatch/policy"
)

// toAllow says what to do about collections that are closed to everybody.
const toAllow = "callers have to say who they are, and no access rule lets anybody do anything here; " +
	"write access: true into the policy file to let whoever has a key do everything, or say who may do what"

// denied names the collections that nobody may do anything with.
func denied(p *policy.Policy) []string {
	var names []string
	for i := range p.Collections {
		if c := &p.Collections[i]; c.Access.Denied() {
			names = append(names, c.Name)
		}
	}
	if p.Default != nil && p.Default.Access.Denied() {
		names = append(names, "default")
	}
	return names[:min(len(names), maxUnserved)]
}

// warnDenied logs which collections the policy closes to everybody: it may be new to
// somebody that keys alone open nothing.
func warnDenied(p *policy.Policy, log *slog.Logger) {
	if names := denied(p); names != nil {
		log.Warn(toAllow, "collections", names)
	}
}

// noteDenied is warnDenied for who checks a file.
func noteDenied(p *policy.Policy, w io.Writer) error {
	for _, name := range denied(p) {
		if _, err := fmt.Fprintf(w, "%s: %s\n", name, toAllow); err != nil {
			return err
		}
	}
	return nil
}
