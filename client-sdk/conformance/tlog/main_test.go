package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// The key stands in the page that describes the format (docs/ledger-format.md, "A checkpoint of it").
const key = "assize.example.com/00112233445566778899aabbccddeeff+968dc7ce+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"

const golden = "../../go/ledger/testdata/golden-bundle.tar"

func TestTesseraReadsTheGoldenBundle(t *testing.T) {
	size, err := check(t.Context(), key, golden)
	if err != nil || size != 3 {
		t.Fatalf("%d entries, %v", size, err)
	}
}

func TestTesseraRefusesWhatWasChanged(t *testing.T) {
	whole, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(t.TempDir(), "changed.tar")
	// One byte of an entry's text, of a path, and of the size and the root in the checkpoint.
	for _, text := range []string{"/acme\x00", "tile/0", "\n3\n", "5Gn57RxN"} {
		at := bytes.Index(whole, []byte(text))
		if at < 0 {
			t.Fatalf("the bundle has no %q", text)
		}
		flipped := bytes.Clone(whole)
		flipped[at+1] ^= 1
		if err := os.WriteFile(changed, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := check(t.Context(), key, changed); err == nil {
			t.Errorf("the bundle with another %q was taken", text)
		}
	}
	if _, err := check(t.Context(), "else+968dc7ce+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4", golden); err == nil {
		t.Error("another key was taken")
	}
}
