// Command candid-verify-go verifies a transparency log that Candid wrote, from its public files alone.
//
// It is independent of Candid: signatures, hashes, tiles and proofs are those of golang.org/x/mod/sumdb.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	key := flag.String("key", "", "the log's public key (vkey), or a file that holds it")
	log := flag.String("log", "", "the log: a folder, or an address of http or https")
	old := flag.String("old", "", "an older checkpoint that the log must extend")
	proof := flag.String("proof", "", "a tlog-proof file to verify, with -entry")
	entry := flag.String("entry", "", "the entry that -proof is about")
	receipt := flag.String("receipt", "", "a file with a receipt to verify; with -log, that the log has its entry too")
	all := flag.Bool("all", false, "make and check an inclusion proof of every entry, not only two a bundle")
	flag.Parse()
	one := *receipt != "" && *proof == "" && *old == "" && !*all || *receipt == "" && (*log == "") != (*proof == "")
	if *key == "" || flag.NArg() > 0 || !one || (*proof == "") != (*entry == "") {
		fmt.Fprintln(os.Stderr, "name -key, and one of -log (with -old, -all), -proof and -entry, -receipt (with -log)")
		os.Exit(2)
	}
	vkey, err := readKey(*key)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if *receipt != "" {
		var src source
		if *log != "" {
			src = newSource(*log)
		}
		err = verifyReceipt(vkey, *receipt, src)
	} else if *proof != "" {
		err = verifyProof(vkey, *proof, *entry)
	} else {
		err = verifyLog(vkey, newSource(*log), *old, *all)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "not verified:", err)
		os.Exit(1)
	}
}

// readKey takes a vkey from the command line, or from the file that is named there.
func readKey(text string) (string, error) {
	if data, err := os.ReadFile(text); err == nil {
		return strings.TrimSpace(string(data)), nil
	}
	if !strings.Contains(text, "+") {
		return "", fmt.Errorf("%s is neither a key nor a file that holds one", text)
	}
	return text, nil
}
