package storetest

import (
	"errors"
	"fmt"

	"github.com/ifmatch/ifmatch/internal/store"
)

// The submission tests hand commits in one after the other, each built on what
// the one before it will leave.
var submissionTests = []test{
	{name: "each stands on the one before", run: func(r *rig) {
		submitter := r.submitter()
		head := r.save(ref("a"), "0")
		var all []store.Submission
		for i := range 20 {
			c := r.commit(r.put(head, fmt.Sprint(i+1)))
			head = c.Writes[0].After(head)
			all = append(all, r.submit(submitter, c, lastOf(all)))
		}
		for i, s := range all {
			receipt, err := s.Wait()
			if err != nil || receipt.Heads[0].Version != int64(i+2) {
				r.Fatalf("submission %d: %v, %v", i, receipt, err)
			}
		}
		is := r.get(ref("a"))
		head.Position = is.Position // only the store knows
		r.same("the head", headLine(is.Head), headLine(head))
		r.same("the body", string(is.Body), "20")
	}},
	{name: "what stands on a commit that was refused is stale", run: func(r *rig) {
		submitter := r.submitter()
		head := r.save(ref("a"), "0")
		r.save(ref("a"), "somebody else's") // at the rev that the first one will want
		first := r.commit(r.put(head, "1"))
		one := r.submit(submitter, first, nil)
		second := r.commit(r.put(first.Writes[0].After(head), "2"))
		two := r.submit(submitter, second, one)
		for i, s := range []store.Submission{one, two} {
			if _, err := s.Wait(); !isStale(err) {
				r.Errorf("submission %d: %v, want a stale error", i, err)
			}
		}
		r.same("the body", string(r.get(ref("a")).Body), "somebody else's")
	}},
	{name: "what stands on a commit that failed is stale", run: func(r *rig) {
		submitter := r.submitter()
		head := r.save(ref("a"), "0")
		first := r.commit(r.put(head, "1"))
		first.Checks = []store.Check{{Ref: ref("b"), Exists: true}}
		one := r.submit(submitter, first, nil)
		second := r.commit(r.put(first.Writes[0].After(head), "2"))
		two := r.submit(submitter, second, one)
		third := r.commit(r.put(head, "3")) // built on what is there
		three := r.submit(submitter, third, nil)
		for i, s := range []store.Submission{one, two} {
			if _, err := s.Wait(); !isStale(err) {
				r.Errorf("submission %d: %v, want a stale error", i, err)
			}
		}
		if _, err := three.Wait(); err != nil {
			r.Errorf("the third: %v", err)
		}
		r.same("the body", string(r.get(ref("a")).Body), "3")
	}},
}

// submitter returns the store's own, and skips the test where it has none.
func (r *rig) submitter() store.Submitter {
	r.Helper()
	s, ok := r.s.(store.Submitter)
	if !ok {
		r.Skip("the store takes no submissions")
	}
	return s
}

func (r *rig) submit(s store.Submitter, c *store.Commit, after store.Submission) store.Submission {
	r.Helper()
	submission, err := s.Submit(ctx, c, after)
	if err != nil {
		r.Fatalf("Submit: %v", err)
	}
	return submission
}

func lastOf(all []store.Submission) store.Submission {
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

func isStale(err error) bool {
	_, ok := errors.AsType[*store.StaleError](err)
	return ok
}
