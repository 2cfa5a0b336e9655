package policy

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ifmatch/ifmatch/jsonvalue"
)

// fault says what is wrong with a value and what would be valid; "" is nothing.
type fault string

func (f fault) err() error {
	if f == "" {
		return nil
	}
	return errors.New(string(f))
}

// parse reads a scalar as the key wants it. Quoted tells that the file has it in
// quotes. A number that is not valid is 0.
func (k *key) parse(text string, quoted bool) (v value, bad fault) {
	switch k.kind {
	case kindText, kindTexts, kindRule, kindRules:
		v.text = text
		if text == "" {
			bad = "must not be empty"
		} else if k.check != nil {
			bad = k.check(text)
		}
	case kindBool:
		v.bool = text == "true"
		if quoted || text != "true" && text != "false" {
			bad = "must be true or false"
		}
	case kindCount:
		if v.number, bad = parseCount(text); quoted {
			v.number, bad = 0, "must be a whole number, without quotes"
		}
	case kindNumber:
		v.text = text
		if bad = checkNumber(text); quoted {
			bad = "must be a number, without quotes"
		}
	case kindSize:
		v.number, bad = parseSize(text)
	case kindDuration:
		v.duration, bad = parseDuration(text)
	case kindWord, kindWords, kindChoice:
		v.text = text
		bad = k.checkWord(text)
	}
	if bad == "" && k.max != 0 && (v.number < k.min || v.number > k.max) {
		v.number, bad = 0, fault("must be between "+k.format(k.min)+" and "+k.format(k.max))
	}
	return v, bad
}

func (k *key) format(n int64) string {
	if k.kind == kindSize {
		return formatSize(n)
	}
	return strconv.FormatInt(n, 10)
}

func (k *key) checkWord(text string) fault {
	valid := k.supportedWords()
	list := "; valid are " + strings.Join(valid, ", ")
	if len(valid) == 1 {
		list = "; valid is " + valid[0]
	}
	for _, w := range k.words {
		switch {
		case w.name != text:
		case w.later:
			return fault(text + " is not supported by this version" + list)
		default:
			return ""
		}
	}
	if k.kind == kindChoice {
		list += ", or a block of " + strings.Join(supported(k.keys), ", ")
	}
	return fault(strconv.Quote(text) + " is not known here" + didYouMean(text, valid) + list)
}

// parseCount reads a whole number in decimal, without the octal and other forms
// that YAML readers disagree about.
func parseCount(text string) (int64, fault) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != text {
		return 0, "must be a whole number in plain digits"
	}
	return n, ""
}

const numberForm fault = "must be a number as JSON writes it, such as -5, 0.1 or 1e3"

func checkNumber(text string) fault {
	_, err := jsonvalue.Number(text)
	if bad, ok := errors.AsType[*jsonvalue.SyntaxError](err); ok && bad.Reason == jsonvalue.ReasonExponent {
		return "must not have an exponent beyond 10000"
	}
	if err != nil {
		return numberForm
	}
	return ""
}

const sizeForm fault = "must be a size such as 65536, 64KiB or 1MiB"

func parseSize(text string) (int64, fault) {
	digits, unit := text, int64(1)
	if d, ok := strings.CutSuffix(text, "KiB"); ok {
		digits, unit = d, 1<<10
	} else if d, ok := strings.CutSuffix(text, "MiB"); ok {
		digits, unit = d, 1<<20
	}
	n, bad := parseCount(strings.TrimSuffix(digits, " "))
	if bad != "" || n < 0 || n > math.MaxInt64/unit {
		return 0, sizeForm
	}
	return n * unit, ""
}

func formatSize(n int64) string {
	switch {
	case n != 0 && n%(1<<20) == 0:
		return strconv.FormatInt(n>>20, 10) + "MiB"
	case n != 0 && n%(1<<10) == 0:
		return strconv.FormatInt(n>>10, 10) + "KiB"
	}
	return strconv.FormatInt(n, 10)
}

const (
	day                = 24 * time.Hour
	durationForm fault = "must be a time such as 90d, 12h or 1h30m"
)

// parseDuration reads a Go duration that may begin with a number of days.
func parseDuration(text string) (time.Duration, fault) {
	var total time.Duration
	if digits, rest, ok := strings.Cut(text, "d"); ok {
		days, bad := parseCount(digits)
		if bad != "" || days < 0 || days > int64(math.MaxInt64/day) {
			return 0, durationForm
		}
		total, text = time.Duration(days)*day, rest
	}
	if text != "" || total == 0 {
		part, err := time.ParseDuration(text)
		if err != nil || part < 0 || part > math.MaxInt64-total {
			return 0, durationForm
		}
		total += part
	}
	if total == 0 {
		return 0, "must be more than 0"
	}
	return total, ""
}

// formatDuration returns what parseDuration reads, without units that are 0.
func formatDuration(d time.Duration) string {
	days, rest := d/day, d%day
	var s string
	if days > 0 {
		s = strconv.FormatInt(int64(days), 10) + "d"
	}
	if rest == 0 && s != "" {
		return s
	}
	text := rest.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return s + text
}
