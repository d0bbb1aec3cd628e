package ledger

import "math/bits"

// The deepest path in a tree whose size has 63 bits.
const longestPath = 63

func node(left, right Hash) Hash { return hashOf([]byte{1}, left[:], right[:]) }

var emptyRoot = hashOf()

// VerifyInclusion requires the leaf to stand at that index of the tree (RFC 9162, 2.1.3.2).
func VerifyInclusion(leaf Hash, index, size int64, root Hash, path []Hash) error {
	if index < 0 || index >= size {
		return notProven("a tree of %d has no leaf %d", size, index)
	}
	n, last, r := index, size-1, leaf
	for _, p := range path {
		if last == 0 {
			return notProven("the path is too long")
		}
		if n&1 == 1 || n == last {
			r = node(p, r)
			for n&1 == 0 && n != 0 {
				n, last = n>>1, last>>1
			}
		} else {
			r = node(r, p)
		}
		n, last = n>>1, last>>1
	}
	if last != 0 || r != root {
		return notProven("the path does not lead to the root")
	}
	return nil
}

// VerifyConsistency requires the larger tree to continue the smaller (RFC 9162, 2.1.4.2).
func VerifyConsistency(sizeBefore int64, rootBefore Hash, size int64, root Hash, path []Hash) error {
	switch {
	case sizeBefore < 0 || sizeBefore > size:
		return notProven("a tree of %d does not grow to %d", sizeBefore, size)
	case sizeBefore == 0 && rootBefore != emptyRoot || size == 0 && root != emptyRoot:
		return notProven("a root is not that of the empty tree")
	case sizeBefore == 0 || sizeBefore == size:
		if len(path) > 0 || sizeBefore == size && rootBefore != root {
			return notProven("two trees of one size are not the same, or have a path between them")
		}
		return nil
	case len(path) == 0:
		return notProven("the path is empty")
	}
	if sizeBefore&(sizeBefore-1) == 0 {
		path = append([]Hash{rootBefore}, path...)
	}
	n, last := sizeBefore-1, size-1
	for n&1 == 1 {
		n, last = n>>1, last>>1
	}
	a, b := path[0], path[0]
	for _, p := range path[1:] {
		if last == 0 {
			return notProven("the path is too long")
		}
		if n&1 == 1 || n == last {
			a, b = node(p, a), node(p, b)
			for n&1 == 0 && n != 0 {
				n, last = n>>1, last>>1
			}
		} else {
			b = node(b, p)
		}
		n, last = n>>1, last>>1
	}
	if last != 0 || a != rootBefore || b != root {
		return notProven("the path does not lead to the roots")
	}
	return nil
}

// rootOf is the root of the tree over leaves.
func rootOf(leaves []Hash) Hash {
	switch len(leaves) {
	case 0:
		return emptyRoot
	case 1:
		return leaves[0]
	}
	left := 1 << (bits.Len(uint(len(leaves)-1)) - 1)
	return node(rootOf(leaves[:left]), rootOf(leaves[left:]))
}

const (
	tileHashes = 256
	tileLevels = 8
)

// tileTree grows leaf by leaf, as the rows of hashes that tiles are made of. A row is the last tile of its level while
// that is not full.
type tileTree struct {
	size int64
	rows [tileLevels][]Hash
}

// add appends a leaf, and hands out the tiles that are full with it.
func (t *tileTree) add(leaf Hash, full func(level int, index int64, hashes []Hash) error) error {
	t.size++
	t.rows[0] = append(t.rows[0], leaf)
	for level := 0; len(t.rows[level]) == tileHashes; level++ {
		if err := full(level, t.size>>(8*(level+1))-1, t.rows[level]); err != nil {
			return err
		}
		t.rows[level+1] = append(t.rows[level+1], rootOf(t.rows[level]))
		t.rows[level] = nil
	}
	return nil
}

// root is the hash over all leaves: each row is a row of complete subtrees, left of all that stands on lower levels.
func (t *tileTree) root() Hash {
	var root *Hash
	for _, row := range t.rows {
		for end := len(row); end > 0; {
			width := end & -end
			subtree := rootOf(row[end-width : end])
			if root != nil {
				subtree = node(subtree, *root)
			}
			root = &subtree
			end -= width
		}
	}
	if root == nil {
		return emptyRoot
	}
	return *root
}
