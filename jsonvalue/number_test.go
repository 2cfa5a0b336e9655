package jsonvalue

import "testing"

func TestCompareNumbers(t *testing.T) {
	ascending := []string{
		"-1e10000", "-1e400", "-9007199254740993", "-9007199254740992", "-1.25", "-1.2", "-0.1", "-1e-10000",
		"0", "1e-10000", "1e-400", "0.1", "0.12", "0.125", "1", "1.00000000000000000001", "1.2", "12", "12.3", "12.34", "123",
		"9007199254740992", "9007199254740993", "1e400", "1.1e400", "1e10000",
	}
	for i, a := range ascending {
		for j, b := range ascending {
			want := 0
			switch {
			case i < j:
				want = -1
			case i > j:
				want = 1
			}
			if got, ok := CompareNumbers(mustNumber(t, a), mustNumber(t, b)); got != want || !ok {
				t.Errorf("CompareNumbers(%s, %s) = %d, %v, want %d", a, b, got, ok, want)
			}
		}
	}
}

func TestCompareNumbersEqual(t *testing.T) {
	for _, pair := range [][2]string{{"0", "-0"}, {"0e5", "0.00"}, {"1.0", "1"}, {"12.50", "1250E-2"}, {"10e9999", "1e10000"}} {
		if got, ok := CompareNumbers(mustNumber(t, pair[0]), mustNumber(t, pair[1])); got != 0 || !ok {
			t.Errorf("CompareNumbers(%s, %s) = %d, %v, want 0", pair[0], pair[1], got, ok)
		}
	}
}

func TestCompareNumbersOfOtherKinds(t *testing.T) {
	for _, pair := range [][2]Value{{Int(1), String("1")}, {Null(), Int(1)}, {Value{}, Value{}}} {
		if order, ok := CompareNumbers(pair[0], pair[1]); ok || order != 0 {
			t.Errorf("CompareNumbers(%v, %v) = %d, %v", pair[0].Kind(), pair[1].Kind(), order, ok)
		}
	}
}
