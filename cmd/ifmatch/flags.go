package main

import (
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

// blame says which flag, or which environment variable in its place, an error is
// about. Where neither was given, the value is the policy file's or a default,
// and the error stands alone.
func blame(k *kong.Context, flag string, err error) error {
	if source := sourceOf(k, flag); source != "" {
		return fmt.Errorf("%s: %w", source, err)
	}
	return err
}

// sourceOf names what gave a flag its value, "" for nothing. A flag beats its
// variable, and an empty variable counts as none.
func sourceOf(k *kong.Context, flag string) string {
	for _, p := range k.Path {
		if p.Flag != nil && p.Flag.Name == flag {
			return "--" + flag
		}
	}
	for _, f := range k.Flags() {
		for _, env := range f.Envs {
			if f.Name == flag && os.Getenv(env) != "" {
				return env
			}
		}
	}
	return ""
}
