package storetest

import "github.com/ifmatch/ifmatch/internal/store"

// The head tests read a head, whose body the driver may leave out, and look at
// what others see of the document after that.
var headTests = []test{
	{name: "a head is that of Get", cache: smallCache, run: func(r *rig) {
		for _, prepare := range []func(ref store.Ref){
			func(store.Ref) {},
			func(ref store.Ref) { r.save(ref, "1") },
			func(ref store.Ref) { r.save(ref, "2"); r.brush(ref) },
			func(ref store.Ref) { r.drop(ref) },
			func(ref store.Ref) { r.save(ref, "3") },
		} {
			prepare(ref("a"))
			r.chill()
			cold := r.head(ref("a"))
			warm := r.get(ref("a"))
			r.same("Head before Get", headLine(cold.Head), headLine(warm.Head))
			r.same("Head after Get", headLine(r.head(ref("a")).Head), headLine(warm.Head))
		}
	}},
	{name: "a head leaves the body to be read", cache: smallCache, run: func(r *rig) {
		r.save(ref("a"), "1")
		r.chill()
		r.head(ref("a"))
		r.same("Get after Head", string(r.get(ref("a")).Body), "1")
		page := r.list(part("things"), "", 10)
		if len(page.Documents) != 1 || string(page.Documents[0].Body) != "1" {
			r.Errorf("List after Head shows %v", page.Documents)
		}
	}},
	{name: "writes on a head alone", cache: smallCache, run: func(r *rig) {
		r.save(ref("a"), "1")
		r.chill()
		r.do(r.commit(r.touch(r.head(ref("a")).Head)))
		r.same("the body after a touch", string(r.get(ref("a")).Body), "1")
		r.chill()
		r.do(r.commit(r.put(r.head(ref("a")).Head, "2")))
		r.same("the body after a replacement", string(r.get(ref("a")).Body), "2")
		r.chill()
		r.do(r.commit(r.remove(r.head(ref("a")).Head)))
		if d := r.get(ref("a")); !d.Deleted || d.Body != nil {
			r.Errorf("after its deletion: %s", documentLine(d))
		}
	}},
}

// head returns ref as it stands, perhaps without its body.
func (r *rig) head(ref store.Ref) *store.Document {
	r.Helper()
	d, err := r.header().Head(ctx, ref)
	if err != nil {
		r.Fatalf("Head(%v): %v", ref, err)
	}
	return d
}
