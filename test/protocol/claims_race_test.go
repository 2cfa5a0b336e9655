package protocol_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/ifmatch/ifmatch"
)

// TestOneOfManyTakesTheKey: of many who want one key at once, one gets it.
func TestOneOfManyTakesTheKey(t *testing.T) {
	const writers = 64
	for name, request := range map[string]func(i int) (method, path string){
		"POST": func(int) (string, string) { return "POST", users },
		"PUT":  func(i int) (string, string) { return "PUT", fmt.Sprintf("%s/%d", users, i) },
		"both": func(i int) (string, string) {
			if i%2 == 0 {
				return "POST", users
			}
			return "PUT", fmt.Sprintf("%s/%d", users, i)
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEveryStore(t, keyed(t, ifmatch.Contract{}, "/email"), func(t *testing.T, a *api) {
				answers := make([]answer, writers)
				var wg sync.WaitGroup
				for i := range writers {
					wg.Go(func() {
						method, path := request(i)
						var err error
						if answers[i], err = a.send(method, path, fmt.Sprintf(`{"email":"ann","by":%d}`, i)); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				ids := a.ids(users)
				created := 0
				for i, got := range answers {
					switch got.status {
					case 201:
						created++
						a.body(got, fmt.Sprintf(`{"email":"ann","by":%d}`, i))
						a.body(a.must(200, "GET", users+"/"+ids, ""), got.body)
					case 409:
						a.header(got, "Location", users+"/"+ids)
					default:
						t.Errorf("writer %d: %d %s", i, got.status, got.body)
					}
				}
				if created != 1 || ids == "" || strings.Contains(ids, " ") {
					t.Errorf("%d were created: %s", created, ids)
				}
				a.verify()
			})
		})
	}
}

// TestEqualPOSTsAtOnce: of many who send the same, one creates it and all of
// them have it.
func TestEqualPOSTsAtOnce(t *testing.T) {
	onEveryStore(t, keyed(t, ifmatch.Contract{}, "/email"), func(t *testing.T, a *api) {
		const writers = 64
		var wg sync.WaitGroup
		statuses := make(chan int, writers)
		for range writers {
			wg.Go(func() {
				got, err := a.send("POST", users, `{"email":"ann","n":1}`)
				if err != nil || got.header.Get("Location") != users+"/ann" {
					t.Errorf("%v %v", got, err)
				}
				statuses <- got.status
			})
		}
		wg.Wait()
		close(statuses)
		count := map[int]int{}
		for status := range statuses {
			count[status]++
		}
		if count[201] != 1 || count[200] != writers-1 {
			t.Errorf("answers %v", count)
		}
		a.header(a.must(200, "GET", users+"/ann", ""), "ETag", `"1"`)
	})
}

// TestKeysUnderFire: writers who take, change and free the same few keys never
// leave one with two holders, or with none that can be found.
func TestKeysUnderFire(t *testing.T) {
	onEveryStore(t, keyed(t, optional, "/email"), func(t *testing.T, a *api) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for n := range 20 {
					got, err := a.send("PUT", fmt.Sprintf("%s/%d", users, i), fmt.Sprintf(`{"email":"k%d","n":%d}`, (i+n)%4, n))
					if err != nil || got.status != 200 && got.status != 201 && got.status != 409 {
						t.Errorf("%d %s %v", got.status, got.body, err)
					}
					if n%5 == 4 {
						if got, err := a.send("DELETE", fmt.Sprintf("%s/%d", users, i), ""); err != nil || got.status != 204 && got.status != 404 {
							t.Errorf("%d %s %v", got.status, got.body, err)
						}
					}
				}
			})
		}
		wg.Wait()
		holders := map[string]string{}
		for id := range strings.FieldsSeq(a.ids(users)) {
			body := a.must(200, "GET", users+"/"+id, "").body
			key, _, _ := strings.Cut(body, ",")
			if other := holders[key]; other != "" {
				t.Errorf("%s and %s have %s", other, id, key)
			}
			holders[key] = id
		}
		for i := range 4 { // and no key is held by nobody
			key := fmt.Sprintf(`{"email":"k%d"`, i)
			if holders[key] == "" {
				a.must(201, "PUT", users+"/free"+fmt.Sprint(i), key+"}")
			} else {
				a.duplicate(users+"/"+holders[key], "PUT", users+"/free", key+"}")
			}
		}
		a.verify()
	})
}
