package main

import (
	"os"

	"github.com/ifmatch/ifmatch/policy"
)

type checkCmd struct {
	File string `arg:"" type:"path" help:"The policy file."`
}

// Run prints the policy as it takes effect, or everything that is wrong with it.
func (c *checkCmd) Run() error {
	p, err := policy.Load(c.File)
	if err != nil {
		return err
	}
	if err := noteDenied(p, os.Stderr); err != nil {
		return err
	}
	return p.Print(os.Stdout)
}
