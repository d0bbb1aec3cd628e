package ledger

import (
	"bytes"
	"os"
	"slices"
	"testing"
)

// Each target runs its seeds as a test. To search further: go test -fuzz FuzzReadFrame ./ledger

func golden(f *testing.F, name string) []byte {
	f.Helper()
	content, err := os.ReadFile("testdata/" + name)
	if err != nil {
		f.Fatal(err)
	}
	return content
}

func goldenEntry(f *testing.F) []byte {
	f.Helper()
	proof, err := ParseProof(golden(f, "golden.tlog-proof"))
	if err != nil {
		f.Fatal(err)
	}
	return proof.Extra
}

// One content has exactly one frame: what is read is written the same.
func FuzzReadFrame(f *testing.F) {
	f.Add(goldenEntry(f))
	f.Add([]byte{1})
	f.Add(append(goldenEntry(f), encoded(uint16(FieldCommitments), make([]byte, 34))...))
	f.Fuzz(func(t *testing.T, entry []byte) {
		frame, err := ReadFrame(entry)
		if err != nil {
			return
		}
		written := []byte{1}
		for field := FieldOrigin; field <= FieldCommitments; field++ {
			if value, has := frame.values[field]; has {
				written = append(written, encoded(uint16(field), value)...)
			}
		}
		if !bytes.Equal(written, entry) || frame.Seq < 0 || frame.Incarnation < 1 {
			t.Errorf("%x reads as %+v", entry, frame)
		}
	})
}

func FuzzReadRecord(f *testing.F) {
	f.Add([]byte{recordVersion})
	f.Add(append([]byte{recordVersion}, encoded(1, make([]byte, 16))...))
	f.Fuzz(func(t *testing.T, bytes []byte) {
		if record, err := ReadRecord(bytes); err == nil && record.Allowed != (string(record.values[RecordReason]) == "ALLOWED") {
			t.Errorf("%x contradicts itself", bytes)
		}
	})
}

func FuzzParseNote(f *testing.F) {
	f.Add([]byte("a\n\n\u2014 b AAAAAAA=\n"))
	f.Add(golden(f, "golden.tlog-proof"))
	f.Fuzz(func(t *testing.T, bytes []byte) {
		note, err := ParseNote(bytes)
		if err != nil {
			return
		}
		if len(note.signatures) == 0 || !slices.Equal([]byte(note.text), bytes[:len(note.text)]) {
			t.Errorf("%q reads as %+v", bytes, note)
		}
		_, _ = parseCheckpoint(note.text)
	})
}

func FuzzParseProof(f *testing.F) {
	f.Add(golden(f, "golden.tlog-proof"))
	f.Add([]byte("assize/decision-proof@v1\nrecord AA==\nplace 0 1\n\n" + string(golden(f, "golden.tlog-proof"))))
	f.Fuzz(func(t *testing.T, bytes []byte) {
		if proof, err := ParseProof(bytes); err == nil && (proof.Index < 0 || len(proof.path) > longestPath) {
			t.Errorf("%q reads as %+v", bytes, proof)
		}
		_, _ = ParseDecisionProof(bytes)
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add("assize.example.com/00112233445566778899aabbccddeeff+968dc7ce+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4")
	f.Add("++")
	f.Fuzz(func(t *testing.T, text string) {
		if key, err := ParseKey(text); err == nil && (key.String() != text || key.Name() == "") {
			t.Errorf("%q reads as %+v", text, key)
		}
	})
}

func FuzzReadTar(f *testing.F) {
	f.Add(golden(f, "golden-bundle.tar"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if content = bytes.Clone(content); len(content) >= tarBlock {
			fixSum(content) // what was changed in the first header is looked at, too
		}
		tar, err := readTar(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return
		}
		for name := range tar.members {
			if _, err := tar.read(name); err != nil {
				t.Errorf("%q: %v", name, err)
			}
		}
		_, _ = verifyFiles(tar, nil, nil)
	})
}

func FuzzTexts(f *testing.F) {
	f.Add([]byte("{\"seq\":7,\"field\":28,\"salt\":\"AA==\",\"value\":\"\"}\n"))
	f.Add([]byte("assize ledger part v1\nfrom 0\nto 1\nprev 0000000000000000000000000000000000000000000000000000000000000000\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if values, err := readKept(text, 0, 256); err == nil {
			var written []byte
			for seq := range int64(256) {
				for _, value := range values[seq] {
					written = append(written, value.line()...)
				}
			}
			if !bytes.Equal(written, text) {
				t.Errorf("%q is written %q", text, written)
			}
		}
		if part, err := parsePart(text); err == nil && (part.from < 0 || part.from >= part.to) {
			t.Errorf("%q reads as %+v", text, part)
		}
	})
}
