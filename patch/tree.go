package patch

import "math/rand/v2"

// tree is an ordered sequence as a persistent treap: no node changes once it is
// made, so an edit copies one path of expected logarithmic length and everything
// else is shared between the states before and after. Priorities are random so
// that no order of operations can be chosen to make it deep.
type tree[T any] struct {
	left, right *tree[T]
	item        T
	priority    uint32
	// weight is the item's own, total that of the whole tree.
	weight, total int
}

func newTree[T any](item T, weight int) *tree[T] {
	return &tree[T]{item: item, priority: rand.Uint32(), weight: weight, total: weight}
}

func (t *tree[T]) size() int {
	if t == nil {
		return 0
	}
	return t.total
}

// with returns t's item over other children.
func (t *tree[T]) with(left, right *tree[T]) *tree[T] {
	c := *t
	c.left, c.right = left, right
	c.total = left.size() + t.weight + right.size()
	return &c
}

// join returns the sequence of left followed by right.
func join[T any](left, right *tree[T]) *tree[T] {
	switch {
	case left == nil:
		return right
	case right == nil:
		return left
	case left.priority >= right.priority:
		return left.with(left.left, join(left.right, right))
	}
	return right.with(join(left, right.left), right.right)
}

// each visits the items in order.
func (t *tree[T]) each(visit func(*T)) {
	if t == nil {
		return
	}
	t.left.each(visit)
	visit(&t.item)
	t.right.each(visit)
}
