package access_test

import (
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/access"
)

// A number that decides is the number that stands in the document.
func TestNumbersAreExact(t *testing.T) {
	const never = "error"
	for _, tt := range []struct{ number, rule, want string }{
		{"9007199254740993", "resource.n == 9007199254740993", "true"},
		{"9007199254740993", "resource.n == 9007199254740992", "false"},
		{"9007199254740993", "resource.n > 9007199254740992", "true"},
		{"9007199254740993", "resource.n > 4503599627370496.0", "true"},
		{"9223372036854775807", "resource.n == 9223372036854775807", "true"},
		{"-9223372036854775808", "resource.n < -9223372036854775807", "true"},
		{"9223372036854775808", "resource.n != 0", never},
		{"-9223372036854775809", "resource.n != 0", never},
		{"1e18", "resource.n == 1000000000000000000", "true"},
		{"1.2345678901234567e18", "resource.n == 1234567890123456700", "true"},
		{"9007199254740993.0", "resource.n == 9007199254740993", "true"},
		{"9223372036854775807.0", "resource.n == 9223372036854775807", "true"},
		{"9223372036854775808.0", "resource.n != 0", never},
		{"1e19", "resource.n != 0", never},
		{"1e400", "resource.n != 0", never},
		{"1.0", "resource.n == 1 && type(resource.n) == int", "true"},
		{"1e2", "resource.n == 100 && resource.n % 7 == 2", "true"},
		{"-0", "resource.n == 0", "true"},
		{"-0.0e5", "resource.n == 0 && type(resource.n) == int", "true"},
		{"0.1", "resource.n == 0.1 && type(resource.n) == double", "true"},
		{"0.10", "resource.n == 0.1", "true"},
		{"12e-1", "resource.n == 1.2", "true"},
		{"-2.5", "resource.n < -2 && resource.n > -3", "true"},
		{"4503599627370495.5", "resource.n > 4503599627370495 && resource.n < 4503599627370496", "true"},
		{"5e-324", "resource.n > 0", "true"},
		{"0.1000000000000000055", "resource.n != 0", never},
		{"0.30000000000000000001", "resource.n != 0", never},
		{"123456789012345678.5", "resource.n != 0", never},
		{"1e-400", "resource.n >= 0", never},
		{"0." + strings.Repeat("0", 400) + "1", "resource.n >= 0", never},
		{"1" + strings.Repeat("0", 400) + "e-400", "resource.n >= 0", never},
	} {
		r := compile(t, tt.rule)
		ok, err := r.Allows(&access.Question{Resource: document(t, `{"n":`+tt.number+`}`)})
		switch tt.want {
		case never:
			if ok || err == nil || !strings.Contains(err.Error(), "no int and no double holds exactly") {
				t.Errorf("%.30s: %s: %t, %v", tt.number, tt.rule, ok, err)
			}
		default:
			if err != nil || ok != (tt.want == "true") {
				t.Errorf("%.30s: %s: %t, %v; want %s", tt.number, tt.rule, ok, err, tt.want)
			}
		}
	}
}

// Numbers that a rule does not look at, and those in what it compares as a whole,
// may have any digits.
func TestOtherNumbers(t *testing.T) {
	const d = `{"a":[0.1000000000000000055,1],"b":[1.000000000000000055E-1,1.0],"c":[0.1,1],"o":{"x":1e400},"p":{"x":10e399},"q":{"x":1e401},"n":1}`
	for rule, want := range map[string]bool{
		`resource.a == resource.b && resource.o == resource.p`: true,
		`resource.a != resource.c && resource.o != resource.q`: true,
		`resource.a == resource.c || resource.o == resource.q`: false,
		`1 in resource.a && !(0.1 in resource.a)`:              true,
		`resource.n == 1 && size(resource.a) == 2`:             true,
	} {
		if ok, err := compile(t, rule).Allows(&access.Question{Resource: document(t, d)}); err != nil || ok != want {
			t.Errorf("%s: %t, %v", rule, ok, err)
		}
	}
	if ok, err := compile(t, `resource.a.all(n, n != 7)`).Allows(&access.Question{Resource: document(t, d)}); ok || err == nil {
		t.Errorf("each of them: %t, %v", ok, err)
	}
}
