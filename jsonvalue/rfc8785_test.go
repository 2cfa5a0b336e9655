package jsonvalue

import (
	"bufio"
	"encoding/hex"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/ifmatch/ifmatch/internal/testdata"
)

// TestRFC8785Documents runs the documents that the author of RFC 8785 publishes.
func TestRFC8785Documents(t *testing.T) {
	// The one intended difference: 333333333.33333329 has more digits than
	// float64 gives back, so it keeps them.
	const ours, theirs = "3.3333333333333329e+8", "333333333.3333333"
	for _, name := range []string{"arrays", "french", "structures", "unicode", "values", "weird"} {
		t.Run(name, func(t *testing.T) {
			input := readShared(t, "input", name+".json")
			want := readShared(t, "output", name+".json")
			bytes := strings.ReplaceAll(readShared(t, "outhex", name+".txt"), "\n", " ")
			fromHex, err := hex.DecodeString(strings.Join(strings.Fields(bytes), ""))
			if err != nil {
				t.Fatal(err)
			}
			if string(fromHex) != want {
				t.Fatal("the two forms of the expected output differ")
			}
			if name == "values" {
				if !strings.Contains(want, theirs) {
					t.Fatalf("the expected output no longer holds %s", theirs)
				}
				want = strings.Replace(want, theirs, ours, 1)
			}
			if got := string(mustParse(t, input).AppendCanonical(nil)); got != want {
				t.Errorf("canonical %s\nwant      %s", got, want)
			}
			if got := string(mustParse(t, want).AppendCanonical(nil)); got != want {
				t.Errorf("canonical form of the canonical form: %s\nwant %s", got, want)
			}
		})
	}
}

func readShared(t *testing.T, elem ...string) string {
	t.Helper()
	text, err := os.ReadFile(testdata.Shared(t, append([]string{"third-party", "jcs"}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestES6Numbers checks each number in the expected spelling and in the two
// that differ most from it.
func TestES6Numbers(t *testing.T) {
	file, err := os.Open(testdata.Shared(t, "third-party", "jcs", "es6_numbers_10k.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	count := 0
	for lines.Scan() {
		hexBits, want, _ := strings.Cut(lines.Text(), ",")
		bits, err := strconv.ParseUint(hexBits, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		f := math.Float64frombits(bits)
		count++
		for _, spelling := range []string{want, strconv.FormatFloat(f, 'f', -1, 64), strconv.FormatFloat(f, 'E', -1, 64)} {
			number, err := Number(spelling)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(number.AppendCanonical(nil)); got != want {
				t.Errorf("%s: canonical form of %s is %s, want %s", hexBits, spelling, got, want)
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if count != 10_000 {
		t.Fatalf("read %d numbers, want 10,000", count)
	}
}
