package main

import (
	"crypto/sha256"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/tlog"
)

// verifyLog checks a whole log.
func verifyLog(vkey string, src source, old string, all bool) error {
	// 1. The checkpoint.
	data, err := src("checkpoint", maxNote)
	if err != nil {
		return err
	}
	origin, tree, err := openCheckpoint(vkey, data)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, &tiles{src, make(map[tlog.Tile][]byte)})
	// 2. Every entry, against the tiles and by itself against the root.
	var alone compactRange
	for first := int64(0); first < tree.N; first += tileWidth {
		leaves, err := verifyBundle(src, tree, hashes, first, all)
		if err != nil {
			return err
		}
		for _, leaf := range leaves {
			alone.add(leaf)
		}
	}
	if alone.root() != tree.Hash {
		return fmt.Errorf("the entries do not give the root of the checkpoint")
	}
	// 3. Consistency with what the log was before.
	sizes := earlierSizes(tree.N)
	for _, size := range sizes {
		root, err := tlog.TreeHash(size, hashes)
		if err != nil {
			return err
		}
		if err := verifyConsistency(tree, tlog.Tree{N: size, Hash: root}, hashes); err != nil {
			return err
		}
	}
	if old != "" {
		if err := verifyOld(vkey, old, tree, hashes); err != nil {
			return err
		}
	}
	fmt.Printf("verified: %s has %d entries, all under its signed root %v; consistent with %d earlier sizes\n",
		origin, tree.N, tree.Hash, len(sizes))
	return nil
}

// verifyBundle checks the entries from first on, up to the end of their bundle, and returns their hashes.
func verifyBundle(src source, tree tlog.Tree, hashes tlog.HashReader, first int64, all bool) ([]tlog.Hash, error) {
	count := tree.N - first
	if count > tileWidth {
		count = tileWidth
	}
	data, longer, err := src.readPrefix("entries", first/tileWidth, int(count), maxBundle)
	if err != nil {
		return nil, err
	}
	var leaves []tlog.Hash
	var indexes []int64
	for n := first; n < first+count; n++ {
		if len(data) < 2 || len(data) < 2+int(data[0])<<8+int(data[1]) {
			return nil, fmt.Errorf("the bundle with entry %d is cut off", n)
		}
		end := 2 + int(data[0])<<8 + int(data[1])
		leaves = append(leaves, tlog.RecordHash(data[2:end]))
		indexes = append(indexes, tlog.StoredHashIndex(0, n))
		data = data[end:]
	}
	if len(data) > 0 && !longer {
		return nil, fmt.Errorf("the bundle with entry %d holds more than its entries", first)
	}
	authentic, err := hashes.ReadHashes(indexes)
	if err != nil {
		return nil, err
	}
	for i, leaf := range leaves {
		if leaf != authentic[i] {
			return nil, fmt.Errorf("entry %d is not the one in the tree", first+int64(i))
		}
		if i == 0 || i == len(leaves)-1 || all {
			if err := verifyInclusion(tree, hashes, first+int64(i), leaf); err != nil {
				return nil, err
			}
		}
	}
	return leaves, nil
}

func verifyInclusion(tree tlog.Tree, hashes tlog.HashReader, index int64, leaf tlog.Hash) error {
	proof, err := tlog.ProveRecord(tree.N, index, hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf); err != nil {
		return fmt.Errorf("entry %d: %w", index, err)
	}
	return nil
}

func verifyConsistency(tree, older tlog.Tree, hashes tlog.HashReader) error {
	proof, err := tlog.ProveTree(tree.N, older.N, hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, older.N, older.Hash); err != nil {
		return fmt.Errorf("size %d: %w", older.N, err)
	}
	return nil
}

func verifyOld(vkey, file string, tree tlog.Tree, hashes tlog.HashReader) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	_, older, err := openCheckpoint(vkey, data)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if older.N > tree.N {
		return fmt.Errorf("the log had %d entries and now shows %d", older.N, tree.N)
	}
	if older.N == 0 {
		return nil
	}
	return verifyConsistency(tree, older, hashes)
}

// earlierSizes are the sizes from which consistency is proved: around each power of two, and the last one.
func earlierSizes(size int64) []int64 {
	var sizes []int64
	for n := int64(1); n < size; n *= 2 {
		for _, near := range []int64{n - 1, n, n + 1} {
			if near > 0 && near < size && (len(sizes) == 0 || near > sizes[len(sizes)-1]) {
				sizes = append(sizes, near)
			}
		}
	}
	return sizes
}

// A compactRange hashes a growing list of leaves with no more than one hash a level: roots of perfect
// subtrees, the largest first.
type compactRange struct {
	roots []tlog.Hash
	size  uint64
}

func (c *compactRange) add(leaf tlog.Hash) {
	for n := c.size; n&1 == 1; n >>= 1 {
		last := len(c.roots) - 1
		leaf = tlog.NodeHash(c.roots[last], leaf)
		c.roots = c.roots[:last]
	}
	c.roots = append(c.roots, leaf)
	c.size++
}

func (c *compactRange) root() tlog.Hash {
	last := len(c.roots) - 1
	if last < 0 {
		return sha256.Sum256(nil) // RFC 6962: the root of the empty tree is the hash of nothing
	}
	root := c.roots[last]
	for i := last - 1; i >= 0; i-- {
		root = tlog.NodeHash(c.roots[i], root)
	}
	return root
}
