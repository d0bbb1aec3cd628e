package ledger

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// vector is one of docs/vectors/ledger.
type vector struct {
	Name    string
	Trusted []string
	Kept    string
	Files   map[string]json.RawMessage
	Tar     []byte
	Expect  struct {
		Valid    bool
		TreeSize int64
		Redacted int
		FirstBad *int64
	}
}

// vectorsOf reads a file of them; where they are not, this is not the repository.
func vectorsOf(t *testing.T, file string) []vector {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../../docs/vectors/ledger", file))
	if err != nil {
		t.Skip("docs/vectors/ledger is not here")
	}
	var read []vector
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	return read
}

func (v vector) keys(t *testing.T) []Key {
	t.Helper()
	var keys []Key
	for _, text := range v.Trusted {
		key, err := ParseKey(text)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}

// unpack writes the files into a directory: texts as they are, other bytes from base64.
func (v vector) unpack(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	for name, encoded := range v.Files {
		var text string
		var other struct{ Base64 []byte }
		if err := json.Unmarshal(encoded, &text); err == nil {
			write(t, filepath.Join(directory, name), []byte(text))
		} else if err := json.Unmarshal(encoded, &other); err == nil {
			write(t, filepath.Join(directory, name), other.Base64)
		} else {
			t.Fatal(err)
		}
	}
	return directory
}

func (v vector) requireExpected(t *testing.T, report Report, err error) {
	t.Helper()
	wrong := (*NotProvenError)(nil)
	switch {
	case v.Expect.Valid:
		if err != nil || report.Checkpoint.Size != v.Expect.TreeSize || report.Redacted != v.Expect.Redacted {
			t.Errorf("%s: %+v, %v", v.Name, report, err)
		}
	case !errors.As(err, &wrong):
		t.Errorf("%s: took it, or %v", v.Name, err)
	case v.Expect.FirstBad == nil && wrong.Seq >= 0 || v.Expect.FirstBad != nil && wrong.Seq != *v.Expect.FirstBad:
		t.Errorf("%s: position %d, %v", v.Name, wrong.Seq, err)
	}
}

func TestTheVectorsAreVerifiedAsTheySay(t *testing.T) {
	for _, file := range []string{
		"erasures.json", "values.json", "heads.json", "signatures.json", "incarnations.json", "decisions.json",
	} {
		for _, vector := range vectorsOf(t, file) {
			var kept []byte
			if vector.Kept != "" {
				kept = []byte(vector.Kept)
			}
			report, err := VerifyBundle(vector.unpack(t), vector.keys(t), kept)
			vector.requireExpected(t, report, err)
		}
	}
}

func TestNoByteOfATarFileAmongTheVectorsMayChange(t *testing.T) {
	for _, vector := range vectorsOf(t, "tars.json") {
		keys := vector.keys(t)
		report, err := verifyTar(vector.Tar, keys)
		vector.requireExpected(t, report, err)
		for i := range vector.Tar {
			changed := slices.Clone(vector.Tar)
			changed[i] ^= byte(1 << (i % 8))
			if _, err := verifyTar(changed, keys); err == nil {
				t.Errorf("%s: took it with another byte %d", vector.Name, i)
			}
		}
	}
}

func TestTheGoldenFileIsTheOneAmongTheVectors(t *testing.T) {
	golden, err := os.ReadFile("testdata/golden-bundle.tar")
	if err != nil {
		t.Fatal(err)
	}
	vectors := vectorsOf(t, "tars.json")
	if encode := base64.StdEncoding.EncodeToString; encode(vectors[0].Tar) != encode(golden) {
		t.Error("testdata/golden-bundle.tar is another file")
	}
}
