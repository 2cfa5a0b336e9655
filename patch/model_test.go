package patch_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/ifmatch/ifmatch/jsonvalue"
	"github.com/ifmatch/ifmatch/patch"
)

// TestMergePatchModel compares with the pseudocode of RFC 7396 §2.
func TestMergePatchModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		target, p := genValue(3).Draw(t, "target"), genValue(3).Draw(t, "patch")
		want := mergeModel(toModel(target), toModel(p))
		if got := patch.MergePatch(target, p); !jsonvalue.Identical(got, fromModel(want)) {
			t.Fatalf("got %s, want %s", text(got), text(fromModel(want)))
		}
	})
}

func mergeModel(target, p any) any {
	patchObject, ok := p.(map[string]any)
	if !ok {
		return p
	}
	result, ok := target.(map[string]any)
	if !ok {
		result = map[string]any{}
	}
	for name, v := range patchObject {
		if v == nil {
			delete(result, name)
		} else {
			result[name] = mergeModel(result[name], v)
		}
	}
	return result
}

// toModel returns v as maps, slices, nil for null and Values for other scalars.
func toModel(v jsonvalue.Value) any {
	switch v.Kind() {
	case jsonvalue.KindNull:
		return nil
	case jsonvalue.KindArray:
		out := make([]any, 0, v.Len())
		for _, elem := range v.Elems() {
			out = append(out, toModel(elem))
		}
		return out
	case jsonvalue.KindObject:
		out := map[string]any{}
		for _, m := range v.Members() {
			out[m.Name] = toModel(m.Value)
		}
		return out
	}
	return v
}

func fromModel(m any) jsonvalue.Value {
	switch m := m.(type) {
	case nil:
		return jsonvalue.Null()
	case []any:
		elems := make([]jsonvalue.Value, len(m))
		for i := range m {
			elems[i] = fromModel(m[i])
		}
		return jsonvalue.Array(elems...)
	case map[string]any:
		members := make([]jsonvalue.Member, 0, len(m))
		for name, v := range m {
			members = append(members, jsonvalue.Member{Name: name, Value: fromModel(v)})
		}
		v, err := jsonvalue.Object(members...)
		if err != nil {
			panic(err)
		}
		return v
	}
	return m.(jsonvalue.Value)
}

// TestApplyModel runs operations on many paths, most of which exist, against the
// plainest implementation there is.
func TestApplyModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := jsonvalue.Array(genObject(t, 3), genValue(4).Draw(t, "doc"), genValue(3).Draw(t, "more"))
		before := text(doc)
		model := toModel(doc)
		var ops []jsonvalue.Value
		failed := false
		for range rapid.IntRange(1, 30).Draw(t, "count") {
			kind := rapid.SampledFrom([]string{"add", "add", "remove", "replace", "move", "copy", "test"}).Draw(t, "kind")
			path := genPath(t, model)
			from := genPath(t, model)
			value := genValue(2).Draw(t, "value")
			if kind == "test" && rapid.Bool().Draw(t, "holds") {
				if at, ok := modelAt(model, path); ok {
					value = fromModel(at)
				}
			}
			if kind == "move" && len(from) < len(path) && slices.Equal(from, path[:len(from)]) {
				continue
			}
			next, err := modelApply(clone(model), kind, path, from, toModel(value))
			// Most operations that fail are left out, so that patches get long.
			if failed = err != nil; failed && rapid.IntRange(0, 19).Draw(t, "keep") > 0 {
				failed = false
				continue
			}
			ops = append(ops, opValue(kind, path, from, value))
			if failed {
				break
			}
			model = next
		}
		p, err := patch.ParseJSONPatch(jsonvalue.Array(ops...), patch.Limits{Depth: 1000})
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Apply(doc)
		if (err != nil) != failed {
			t.Fatalf("%s on %s: error %v, the model fails: %t", p.Append(nil), before, err, failed)
		}
		if !failed && !jsonvalue.Identical(got, fromModel(model)) {
			t.Fatalf("%s on %s: got %s, want %s", p.Append(nil), before, text(got), text(fromModel(model)))
		}
		if text(doc) != before {
			t.Fatalf("the input was changed to %s", text(doc))
		}
	})
}

// genPath walks into the model and now and then steps beside it.
func genPath(t *rapid.T, model any) jsonvalue.Pointer {
	path := jsonvalue.Pointer{}
	for rapid.IntRange(0, 3).Draw(t, "deeper") > 0 {
		if rapid.IntRange(0, 15).Draw(t, "beside") == 0 {
			return append(path, rapid.SampledFrom([]string{"a", "0", "-", "01", "9", ""}).Draw(t, "token"))
		}
		switch m := model.(type) {
		case []any:
			i := rapid.IntRange(0, len(m)).Draw(t, "index")
			path = append(path, strconv.Itoa(i))
			if i == len(m) {
				return path
			}
			model = m[i]
		case map[string]any:
			name := rapid.SampledFrom([]string{"", "a", "b", "c", "~1", "a/b", "0", "-"}).Draw(t, "name")
			path = append(path, name)
			model = m[name]
		default:
			return path
		}
	}
	return path
}

func opValue(kind string, path, from jsonvalue.Pointer, value jsonvalue.Value) jsonvalue.Value {
	v, err := jsonvalue.Object(
		jsonvalue.Member{Name: "op", Value: jsonvalue.String(kind)},
		jsonvalue.Member{Name: "path", Value: jsonvalue.String(path.String())},
		jsonvalue.Member{Name: "from", Value: jsonvalue.String(from.String())},
		jsonvalue.Member{Name: "value", Value: value},
	)
	if err != nil {
		panic(err)
	}
	return v
}

func clone(m any) any { return toModel(fromModel(m)) }

var errModel = errors.New("inapplicable")

func modelAt(m any, path jsonvalue.Pointer) (any, bool) {
	for _, token := range path {
		switch c := m.(type) {
		case map[string]any:
			v, ok := c[token]
			if !ok {
				return nil, false
			}
			m = v
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || strconv.Itoa(i) != token || i < 0 || i >= len(c) {
				return nil, false
			}
			m = c[i]
		default:
			return nil, false
		}
	}
	return m, true
}

func modelApply(m any, kind string, path, from jsonvalue.Pointer, value any) (any, error) {
	switch kind {
	case "test":
		got, ok := modelAt(m, path)
		if !ok || !jsonvalue.Equal(fromModel(got), fromModel(value)) {
			return nil, errModel
		}
		return m, nil
	case "move", "copy":
		taken, ok := modelAt(m, from)
		if !ok {
			return nil, errModel
		}
		value = clone(taken)
		if kind == "move" && slices.Equal(from, path) {
			return m, nil
		}
		if kind == "move" {
			var err error
			if m, err = modelEdit(m, "remove", from, nil); err != nil {
				return nil, err
			}
		}
		kind = "add"
	}
	return modelEdit(m, kind, path, value)
}

func modelEdit(m any, kind string, path jsonvalue.Pointer, value any) (any, error) {
	if len(path) == 0 {
		if kind == "remove" {
			return nil, errModel
		}
		return value, nil
	}
	token, last := path[0], len(path) == 1
	switch c := m.(type) {
	case map[string]any:
		child, ok := c[token]
		switch {
		case !ok && (!last || kind != "add"):
			return nil, errModel
		case !last:
			next, err := modelEdit(child, kind, path[1:], value)
			c[token] = next
			return c, err
		case kind == "remove":
			delete(c, token)
			return c, nil
		}
		c[token] = value
		return c, nil
	case []any:
		i, err := strconv.Atoi(token)
		if token == "-" && last && kind == "add" {
			i, err, token = len(c), nil, fmt.Sprint(len(c))
		}
		switch {
		case err != nil || strconv.Itoa(i) != token || i < 0 || i > len(c) || i == len(c) && (!last || kind != "add"):
			return nil, errModel
		case !last:
			c[i], err = modelEdit(c[i], kind, path[1:], value)
			return c, err
		case kind == "add":
			return slices.Insert(c, i, value), nil
		case kind == "remove":
			return slices.Delete(c, i, i+1), nil
		}
		c[i] = value
		return c, nil
	}
	return nil, errModel
}
