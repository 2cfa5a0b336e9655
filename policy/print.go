package policy

import (
	"io"
	"slices"

	"github.com/goccy/go-yaml"
)

// Print writes the policy as a policy file that states every default. Reading
// that file gives the same policy.
func (p *Policy) Print(w io.Writer) error {
	text, err := p.MarshalYAML()
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// MarshalYAML returns what [Policy.Print] writes.
func (p *Policy) MarshalYAML() ([]byte, error) {
	root := yaml.MapSlice{
		{Key: "listen", Value: p.Listen},
		{Key: "store", Value: ShownStore(p.Store)},
	}
	if p.TLS != nil {
		root = append(root, yaml.MapItem{Key: "tls", Value: p.TLS.members()})
	}
	root = append(root, yaml.MapSlice{
		{Key: "cors", Value: yaml.MapSlice{{Key: "origins", Value: append([]string{}, p.CORS.Origins...)}}},
		{Key: "api_versions", Value: append([]string{}, p.APIVersions...)},
		{Key: "limits", Value: p.Limits.members()},
		{Key: "idempotency", Value: yaml.MapSlice{{Key: "keep", Value: formatDuration(p.Idempotency.Keep)}}},
	}...)
	if p.Auth != nil {
		root = append(root, yaml.MapItem{Key: "auth", Value: p.Auth.members()})
	}
	root = append(root, p.Signing.members()...)
	if p.Default != nil {
		root = append(root, yaml.MapItem{Key: "default", Value: p.Default.members()})
	}
	if len(p.Collections) > 0 {
		list := make([]yaml.MapSlice, len(p.Collections))
		for i := range p.Collections {
			c := &p.Collections[i]
			list[i] = append(yaml.MapSlice{{Key: "name", Value: c.Name}, {Key: "path", Value: c.Path}, {Key: "singleton", Value: c.Singleton}}, c.members()...)
		}
		root = append(root, yaml.MapItem{Key: "collections", Value: list})
	}
	return yaml.MarshalWithOptions(root, yaml.IndentSequence(true))
}

func (l *Limits) members() yaml.MapSlice {
	m := yaml.MapSlice{
		{Key: "body", Value: formatSize(l.Body)},
		{Key: "depth", Value: l.Depth},
		{Key: "patch_ops", Value: l.PatchOps},
		{Key: "page", Value: l.Page},
		{Key: "batch_ops", Value: l.BatchOps},
		{Key: "tags", Value: l.Tags},
		{Key: "url", Value: formatSize(l.URL)},
		{Key: "header", Value: formatSize(l.Header)},
	}
	if l.Rate != nil {
		m = append(m, yaml.MapItem{Key: "rate", Value: l.Rate.members()})
	}
	return append(m, yaml.MapSlice{
		{Key: "connections", Value: l.Connections},
		{Key: "reads", Value: l.Reads},
		{Key: "writes", Value: l.Writes},
	}...)
}

func (c *Collection) members() yaml.MapSlice {
	k := &c.Contract
	var kept any = historyOff
	if !c.History.Off {
		kept = yaml.MapSlice{{Key: "keep", Value: c.History.Keep}, {Key: "for", Value: formatDuration(c.History.For)}}
	}
	var members yaml.MapSlice
	if !c.Singleton {
		members = append(members, yaml.MapItem{Key: "id", Value: c.ID.members()})
	}
	members = append(members, yaml.MapSlice{
		{Key: "contract", Value: append(yaml.MapSlice{
			{Key: "preset", Value: string(k.Preset)},
			{Key: "token", Value: k.Token.String()},
			{Key: "weak", Value: k.Weak},
			{Key: "weak_if_match", Value: acceptOrReject(k.AcceptWeak)},
			{Key: "precondition", Value: yaml.MapSlice{
				{Key: "put", Value: k.Precondition.Put.String()},
				{Key: "patch", Value: k.Precondition.Patch.String()},
				{Key: "delete", Value: k.Precondition.Delete.String()},
			}},
			{Key: "already_applied", Value: acceptOrReject(k.AcceptApplied)},
			{Key: "idempotency_key", Value: k.keyWord()},
			{Key: "conflict_details", Value: string(k.ConflictDetails)},
		}, dialectMembers(&k.Dialect)...)},
		{Key: "history", Value: kept},
		{Key: "on_stale", Value: staleMembers(&c.OnStale)},
	}...)
	if c.Schema != nil {
		members = append(members, yaml.MapItem{Key: "schema", Value: c.Schema.printed()})
	}
	return slices.Concat(members, c.mergeMembers(), c.contributionsMembers(), c.linksMembers(), c.indexesMember(), c.accessMembers())
}

func (id *ID) members() yaml.MapSlice {
	return yaml.MapSlice{
		{Key: "param", Value: id.Param},
		{Key: "generate", Value: string(id.Generate)},
		{Key: "natural_key", Value: append([]string{}, id.NaturalKey...)},
	}
}

func (c *Contract) keyWord() string {
	if c.KeyRequired {
		return keyRequired
	}
	return keyOptional
}

func acceptOrReject(accept bool) string {
	if accept {
		return "accept"
	}
	return "reject"
}
