package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// verifyReceipt checks a receipt's signature and, where a log is given, that its entry stands there.
func verifyReceipt(vkey, file string, src source) error {
	// 1. The log signed it.
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	origin, index, leaf, err := openReceipt(vkey, data)
	if err != nil {
		return err
	}
	if src == nil {
		fmt.Printf("verified: %s signed that the call is its entry %d\n", origin, index)
		return nil
	}
	// 2. The log, as of its checkpoint, has that entry at that index.
	if data, err = src("checkpoint", maxNote); err != nil {
		return err
	}
	_, tree, err := openCheckpoint(vkey, data)
	if err != nil {
		return err
	}
	if index >= tree.N {
		return fmt.Errorf("entry %d is not public: the log shows %d entries", index, tree.N)
	}
	hashes := tlog.TileHashReader(tree, &tiles{src, make(map[tlog.Tile][]byte)})
	if err := verifyInclusion(tree, hashes, index, leaf); err != nil {
		return err
	}
	fmt.Printf("verified: the call is entry %d of %s, which has %d\n", index, origin, tree.N)
	return nil
}

// openReceipt reads the value of the header x-candid-receipt, with or without padding, or the note in it.
func openReceipt(vkey string, data []byte) (origin string, index int64, leaf tlog.Hash, err error) {
	if !bytes.Contains(data, []byte("\n\n")) {
		text := strings.TrimRight(strings.TrimSpace(string(data)), "=")
		if data, err = base64.RawURLEncoding.Strict().DecodeString(text); err != nil {
			return "", 0, leaf, fmt.Errorf("this is no receipt: %w", err)
		}
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return "", 0, leaf, fmt.Errorf("the key cannot be read: %w", err)
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return "", 0, leaf, fmt.Errorf("the receipt is not signed by this key: %w", err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 6 || lines[0] != "candid-receipt/v1" || lines[1] != verifier.Name() {
		return "", 0, leaf, fmt.Errorf("this is no receipt of %s", verifier.Name())
	}
	index, err = strconv.ParseInt(lines[2], 10, 64)
	if err != nil || index < 0 || strconv.FormatInt(index, 10) != lines[2] {
		return "", 0, leaf, fmt.Errorf("%q is no index", lines[2])
	}
	leaf, err = tlog.ParseHash(lines[3])
	return lines[1], index, leaf, err
}
