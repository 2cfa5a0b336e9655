package main

import (
	"bytes"
	"encoding/json"
	"os"

	"github.com/ifmatch/ifmatch/policy"
)

type openapiCmd struct {
	File string `arg:"" optional:"" type:"path" help:"The policy file; without one, zero configuration."`
	HTML bool   `name:"html" help:"Print the page to read in its place."`
}

// Run prints what a server with the policy serves at /openapi.json, a member a line,
// so that it can be committed and compared.
func (c *openapiCmd) Run() error {
	p := policy.Default()
	if c.File != "" {
		var err error
		if p, err = policy.Load(c.File); err != nil {
			return err
		}
	}
	config, err := served(p)
	if err != nil {
		return err
	}
	described := config.OpenAPI()
	if c.HTML {
		_, err = os.Stdout.Write(described.Page())
		return err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, described.JSON(), "", "  "); err != nil {
		return err
	}
	indented.WriteByte('\n')
	_, err = indented.WriteTo(os.Stdout)
	return err
}
