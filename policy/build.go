package policy

import (
	"slices"
	"strconv"

	"github.com/ifmatch/ifmatch"
)

// get returns a member of a block, an empty value where there is none.
func (v *value) get(name string) *value {
	if m := v.members[name]; m != nil {
		return m
	}
	return &value{at: v.at, path: join(v.path, name)}
}

// policy makes a Policy of a file's values and judges what they mean to each
// other. What is wrong with a value by itself was reported before.
func (d *decoder) policy(v *value) *Policy {
	p := &Policy{Listen: v.get("listen").text, Store: v.get("store").text, TLS: d.tls(v.get("tls")), CORS: d.cors(v.get("cors")), APIVersions: d.apiVersions(v.get("api_versions")), Auth: d.auth(v.get("auth")), Limits: d.limits(v.get("limits")), Signing: d.signing(v.get("signing"))}
	p.Idempotency.Keep = v.get("idempotency").get("keep").duration
	named, def := v.get("collections"), v.get("default")
	access := v.get("access")
	for _, one := range named.list {
		c := d.collection(one)
		c.Access = d.accessOf(one.get("access"), access, &c, p.Auth != nil)
		p.Collections = append(p.Collections, c)
	}
	d.distinct(named.list, p.Collections)
	all := templates(named.list, p.Collections)
	d.paths(all)
	d.lead(named.list, def, all)
	switch {
	case def.set:
		d.apart(all)
	case named.set:
		return p
	default:
		def = d.block(nil, &key{keys: collectionKeys}, "default", def.at)
	}
	c := d.collection(def)
	c.Access = d.accessOf(def.get("access"), access, &c, p.Auth != nil)
	p.Default = &c
	return p
}

func (d *decoder) limits(v *value) Limits {
	l := Limits{
		Body:     v.get("body").number,
		Depth:    int(v.get("depth").number),
		PatchOps: int(v.get("patch_ops").number),
		Page:     int(v.get("page").number),
		BatchOps: int(v.get("batch_ops").number),
		Tags:     int(v.get("tags").number),
		URL:      v.get("url").number,
		Header:   v.get("header").number,
		Rate:     rate(v.get("rate")),

		Connections: int(v.get("connections").number),
		Reads:       int(v.get("reads").number),
		Writes:      int(v.get("writes").number),
	}
	url, header := v.get("url"), v.get("header")
	switch {
	case l.URL < l.Header || l.Header == 0:
	case url.set:
		d.fail(url.at, url.path, fault("must be less than header, which is "+formatSize(l.Header)+" and includes the URL"))
	default:
		d.fail(header.at, header.path, fault("must be more than url, which is "+formatSize(l.URL)+" and counts towards it"))
	}
	return l
}

func (d *decoder) collection(v *value) Collection {
	c := Collection{Name: v.get("name").text, Path: v.get("path").text}
	if c.Name != "" && !v.get("path").set {
		c.Path = "/v1/" + c.Name
	}
	c.Singleton = v.get("singleton").bool
	c.ID = d.id(v.get("id"), c.Singleton, c.Path)
	c.Contract = d.contract(v.get("contract"))
	c.History = history(v.get("history"))
	c.OnStale = d.onStale(v.get("on_stale"), c.History)
	d.mayOverwrite(v.get("on_stale"), &c)
	c.Schema = v.get("schema").schema
	c.Links = d.linksOf(v.get("links"), &c)
	c.Contributions = d.contributions(v)
	c.Merge = d.mergeRules(v, &c)
	fields := v.get("fields")
	c.MayResolve, c.Read = d.rulesOf(fields, mayResolveKey, &c), d.rulesOf(fields, readKey, &c)
	d.readers(fields, v.get("contract").get("token"), v.get("id").get("natural_key").list)
	d.apartFromMembers(v.get("contract"), &c)
	d.keyOfTheWriter(v.get("id").get("natural_key").list, c.added())
	c.Indexes = d.indexes(v.get("indexes"), &c)
	return c
}

func (d *decoder) contract(v *value) Contract {
	var c Contract
	c.Preset = Preset(v.get("preset").text)
	c.Token = tokenOf(v.get("token"))
	c.Weak = v.get("weak").bool
	accept := v.get("weak_if_match")
	c.AcceptWeak = c.Weak || accept.text == "accept"
	if c.Weak && accept.text == "reject" {
		d.fail(accept.at, accept.path, "must be accept where weak is true: If-Match would never match a weak tag")
	}
	c.Precondition = preconditions(v.get("precondition"))
	c.AcceptApplied = v.get("already_applied").text == "accept"
	c.KeyRequired = v.get("idempotency_key").text == keyRequired
	c.ConflictDetails = Details(v.get("conflict_details").text)
	c.Dialect = d.dialect(v, c.Preset)
	return c
}

func tokenOf(v *value) ifmatch.Token {
	for _, t := range []ifmatch.Token{ifmatch.TokenHash, ifmatch.TokenSigned} {
		if v.text == t.String() {
			return t
		}
	}
	return ifmatch.TokenVersion
}

func preconditions(v *value) ifmatch.MethodPreconditions {
	if v.members == nil {
		all := precondition(v)
		return ifmatch.MethodPreconditions{Put: all, Patch: all, Delete: all}
	}
	return ifmatch.MethodPreconditions{
		Put: precondition(v.get("put")), Patch: precondition(v.get("patch")), Delete: precondition(v.get("delete")),
	}
}

func precondition(v *value) ifmatch.Precondition {
	for _, p := range []ifmatch.Precondition{ifmatch.PreconditionOptional, ifmatch.PreconditionTag, ifmatch.PreconditionObserve, ifmatch.PreconditionWarn} {
		if v.text == p.String() {
			return p
		}
	}
	return ifmatch.PreconditionRequired
}

func history(v *value) History {
	if v.text == historyOff {
		return History{Off: true}
	}
	return History{Keep: int(v.get("keep").number), For: v.get("for").duration}
}

func (d *decoder) onStale(v *value, h History) ifmatch.OnStale {
	s := ifmatch.OnStale{Default: ifmatch.Strategy(v.get("default").text), Allow: []ifmatch.Strategy{ifmatch.StrategyReject}}
	for _, w := range append([]*value{v.get("default")}, v.get("allow").list...) {
		more := ifmatch.Strategy(w.text)
		if (more == ifmatch.StrategyMerge || more == ifmatch.StrategyPark) && (h.Off || h.Keep == 1) {
			d.fail(w.at, w.path, fault(w.text+" needs the version that the writer has read, and history keeps the current one alone; let it keep 2 or more"))
		}
		if !slices.Contains(s.Allow, more) {
			s.Allow = append(s.Allow, more)
		}
	}
	return s
}

// distinct reports collections that share a name.
func (d *decoder) distinct(values []*value, collections []Collection) {
	names := map[string]*value{}
	for i, c := range collections {
		name := values[i].get("name")
		if first := names[c.Name]; first != nil {
			d.fail(name.at, name.path, fault(strconv.Quote(c.Name)+" is taken by the collection on line "+strconv.Itoa(first.at.line)))
		} else if c.Name != "" {
			names[c.Name] = name
		}
	}
}

// pathOf returns the value that decides a collection's path.
func pathOf(collection *value) *value {
	if path := collection.get("path"); path.set {
		return path
	}
	return collection.get("name")
}
