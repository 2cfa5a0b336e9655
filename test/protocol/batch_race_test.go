package protocol_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch/internal/engine"
)

// doctors are two of whom one has to be on call. Whoever goes off looks at the other
// one's document, and writes their own.
var doctors = [2]string{"/v1/doctors/ann", "/v1/doctors/bob"}

// goOff has both doctors go off call at once, each of whom has seen the other on call
// under the tags given, and returns how many did. With checked they have the other's
// document checked.
func (a *api) goOff(tags [2]string, checked bool) (off int) {
	a.t.Helper()
	var answers [2]answer
	var both sync.WaitGroup
	for me, other := range []int{1, 0} {
		ops := []string{oper("PATCH", doctors[me], `{"onCall":false}`, "If-Match", tags[me])}
		if checked {
			ops = append(ops, oper("CHECK", doctors[other], "", "If-Match", tags[other]))
		}
		both.Go(func() {
			var err error
			if answers[me], err = a.send("POST", "/_batch", together(ops...)); err != nil {
				a.t.Error(err)
			}
		})
	}
	both.Wait()
	for _, got := range answers {
		switch got.status {
		case 200:
			off++
		case 412:
		default:
			a.t.Fatalf("%d: %s", got.status, got.body)
		}
	}
	return off
}

// TestWriteSkew: of two who each write one document because of another one, one is
// refused, if each has the other document checked. The long form has 10,000 rounds.
func TestWriteSkew(t *testing.T) {
	rounds := 300
	if long() {
		rounds = 10_000
	}
	onEveryStore(t, setup{}, func(t *testing.T, a *api) {
		var tags [2]string
		for i, path := range doctors {
			tags[i] = a.must(201, "PUT", path, `{"onCall":true}`).header.Get("ETag")
		}
		for round := range rounds {
			if off := a.goOff(tags, true); off != 1 {
				t.Fatalf("round %d: %d doctors went off call", round, off)
			}
			for i, path := range doctors {
				tags[i] = a.must(200, "PATCH", path, `{"onCall":true}`, "If-Match", "*").header.Get("ETag")
			}
		}
		if off := a.goOff(tags, false); off != 2 {
			t.Errorf("without CHECK %d doctors went off call, so that this test shows nothing", off)
		}
		a.verify()
	})
}

// account is one of those that money is moved between.
func account(i int) string { return fmt.Sprintf("/v1/accounts/%d", i) }

// TestTransfers: many clients move money between a few accounts in atomic batches, others
// write single accounts, and others look at all of them at once. What there is in all
// stays, whoever looks sees so, and nobody has to wait for good.
func TestTransfers(t *testing.T) {
	const accounts, clients = 5, 8
	each := scaled(60)
	onEveryStoreAlone(t, setup{}, func(t *testing.T, a *api) {
		for i := range accounts {
			a.must(201, "PUT", account(i), `{"balance":100,"note":0}`)
		}
		var all sync.WaitGroup
		for c := range clients {
			all.Go(func() {
				rng := rand.New(rand.NewPCG(1, uint64(c)))
				for done := 0; done < each; {
					moved, err := a.transfer(rng, accounts)
					if err != nil {
						t.Error(err)
						return
					}
					if moved {
						done++
					}
				}
			})
		}
		all.Go(func() {
			for n := range each {
				if got, err := a.send("PATCH", account(n%accounts), fmt.Sprintf(`{"note":%d}`, n+1), "If-Match", "*"); err != nil || got.status != 200 {
					t.Error(err, got.status, got.body)
					return
				}
			}
		})
		all.Go(func() {
			for range each {
				if err := a.audit(accounts, 100*accounts); err != nil {
					t.Error(err)
					return
				}
			}
		})
		all.Wait()
		if err := a.audit(accounts, 100*accounts); err != nil {
			t.Error(err)
		}
		a.verify()
	})
}

// balance reads an account.
func (a *api) balance(i int) (balance int, tag string, err error) {
	got, err := a.send("GET", account(i), "")
	if err != nil {
		return 0, "", err
	}
	var body struct{ Balance int }
	err = json.Unmarshal([]byte(got.body), &body)
	return body.Balance, got.header.Get("ETag"), err
}

// transfer tries once to move money between two accounts, on condition that a third one
// is what it was.
func (a *api) transfer(rng *rand.Rand, accounts int) (moved bool, err error) {
	order := rng.Perm(accounts)
	var balances [3]int
	var tags [3]string
	for i := range tags {
		if balances[i], tags[i], err = a.balance(order[i]); err != nil {
			return false, err
		}
	}
	amount := rng.IntN(10)
	got, err := a.send("POST", "/_batch", together(
		oper("PATCH", account(order[0]), fmt.Sprintf(`{"balance":%d}`, balances[0]-amount), "If-Match", tags[0]),
		oper("PATCH", account(order[1]), fmt.Sprintf(`{"balance":%d}`, balances[1]+amount), "If-Match", tags[1]),
		oper("CHECK", account(order[2]), "", "If-Match", tags[2]),
	))
	if err == nil && got.status != 200 && got.status != 412 {
		err = fmt.Errorf("%d: %s", got.status, got.body)
	}
	return got.status == 200, err
}

// audit adds all accounts up as they are at one moment.
func (a *api) audit(accounts, want int) error {
	for {
		sum := 0
		var checks []string
		for i := range accounts {
			balance, tag, err := a.balance(i)
			if err != nil {
				return err
			}
			sum += balance
			checks = append(checks, oper("CHECK", account(i), "", "If-Match", tag))
		}
		got, err := a.send("POST", "/_batch", together(checks...))
		switch {
		case err != nil:
			return err
		case got.status == 412:
			continue
		case got.status != 200:
			return fmt.Errorf("%d: %s", got.status, got.body)
		case sum != want:
			return fmt.Errorf("%d in all accounts, want %d", sum, want)
		}
		return nil
	}
}

// TestBatchesOfHotDocuments: unconditional batches and single writes of the same few
// documents all get through, in whatever order each names them.
func TestBatchesOfHotDocuments(t *testing.T) {
	const documents, clients = 4, 16
	each := scaled(20)
	onEveryStoreAlone(t, setup{rules: engine.Rules{Contract: optional}}, func(t *testing.T, a *api) {
		for i := range documents {
			a.must(201, "PUT", account(i), `{}`)
		}
		var all sync.WaitGroup
		for c := range clients {
			all.Go(func() {
				rng := rand.New(rand.NewPCG(2, uint64(c)))
				for n := range each {
					var ops []string
					for _, i := range rng.Perm(documents)[:1+rng.IntN(documents)] {
						ops = append(ops, oper("PATCH", account(i), fmt.Sprintf(`{"c%d":%d}`, c, n)))
					}
					path, body := "/_batch", together(ops...)
					method := "POST"
					if c%4 == 0 {
						method, path, body = "PATCH", account(rng.IntN(documents)), fmt.Sprintf(`{"c%d":%d}`, c, n)
					}
					if got, err := a.send(method, path, body); err != nil || got.status != 200 {
						t.Errorf("%v %d: %s", err, got.status, got.body)
						return
					}
				}
			})
		}
		all.Wait()
		a.verify()
	})
}
