package ledger

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// page is docs/ledger-format.md: its vectors are what this package is held to.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/ledger-format.md")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("docs/ledger-format.md is not here: this is not the repository")
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// section is what stands below a heading.
func section(t *testing.T, heading string) string {
	t.Helper()
	_, rest, found := strings.Cut(page(t), heading+"\n")
	if !found {
		t.Fatalf("the page has no %q", heading)
	}
	if next := regexp.MustCompile(`(?m)^#+ `).FindStringIndex(rest); next != nil {
		rest = rest[:next[0]]
	}
	return rest
}

// blocks are the fenced ones of a section.
func blocks(text string) []string {
	var found []string
	for _, match := range regexp.MustCompile("(?s)```text\n(.*?)```").FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}

// rows are the cells of its tables, code marks taken off.
func rows(text string) [][]string {
	var found [][]string
	for _, line := range strings.Split(text, "\n") {
		if !strings.HasPrefix(line, "| `") && !regexp.MustCompile(`^\| \d`).MatchString(line) {
			continue
		}
		cells := strings.Split(strings.Trim(line, "| "), "|")
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
		}
		found = append(found, cells)
	}
	return found
}

func fromHex(t *testing.T, text string) []byte {
	t.Helper()
	decoded, err := hex.DecodeString(strings.ReplaceAll(text, "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

func hashFrom(t *testing.T, text string) Hash { return Hash(fromHex(t, text)) }

// worked is an entry that the page shows.
func worked(t *testing.T, heading string) ([]byte, Hash) {
	t.Helper()
	frame, hash, found := strings.Cut(strings.TrimPrefix(blocks(section(t, heading))[0], "frame:\n"), "entry_hash: ")
	if !found {
		t.Fatal("no entry hash")
	}
	return fromHex(t, frame), hashFrom(t, strings.TrimSpace(hash))
}

var workedEntries = []string{
	"### Entry 0: the shortest", "### Entry 1: all that this version writes", "### Entry 2: the remaining fields",
}

const workedOrigin = "assize.example.com/00112233445566778899aabbccddeeff/acme"

func TestTheWorkedEntriesAreAChain(t *testing.T) {
	chain := NewChain(workedOrigin)
	if !strings.Contains(page(t), "genesis: "+chain.Head().String()) {
		t.Error("the genesis is not the page's")
	}
	for seq, heading := range workedEntries {
		entry, hash := worked(t, heading)
		frame, err := chain.Take(entry)
		if err != nil || EntryHash(entry) != hash || frame.Seq != int64(seq) {
			t.Fatalf("entry %d: %v", seq, err)
		}
	}
	if reason, _ := chain.last.Text(FieldReason); reason != "" || len(chain.last.Commitments) != 2 || chain.last.Texts(FieldMasked)[0] != "/iban" {
		t.Errorf("entry 2 reads %+v", chain.last)
	}
}

func TestTheCommitmentsOfThePageOpen(t *testing.T) {
	entry, _ := worked(t, workedEntries[2])
	frame, err := ReadFrame(entry)
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	for _, row := range rows(section(t, workedEntries[2])) {
		field, _ := strconv.Atoi(row[0])
		for _, commitment := range frame.Commitments {
			if commitment.Field != Field(field) {
				continue
			}
			salt := fromHex(t, row[2])
			if commitment.Hash != hashFrom(t, row[3]) || !commitment.opens(salt, []byte(row[1])) {
				t.Errorf("field %d does not open", field)
			}
			if commitment.opens(salt, []byte(row[1]+"x")) || commitment.opens(salt[1:], []byte(row[1])) {
				t.Errorf("field %d opens with anything", field)
			}
			opened++
		}
	}
	if opened != 2 {
		t.Errorf("%d commitments", opened)
	}
}

func TestRefusesTheFramesOfThePageAndTakesTheSoundOnes(t *testing.T) {
	text := section(t, "### Frames that must be refused")
	refused, sound, found := strings.Cut(text, "These, in turn, are sound frames")
	if !found {
		t.Fatal("the page shows no sound frames")
	}
	for _, row := range rows(refused) {
		if _, err := ReadFrame(replaced(t, row)); err == nil {
			t.Errorf("took a frame with %s", row[3])
		}
	}
	for _, row := range rows(sound) {
		if _, err := ReadFrame(replaced(t, row)); err != nil {
			t.Errorf("refused a frame with %s: %v", row[3], err)
		}
	}
	if len(rows(refused)) < 20 || len(rows(sound)) < 4 {
		t.Errorf("%d and %d rows", len(rows(refused)), len(rows(sound)))
	}
}

// replaced is entry 0 with what a row of the table says.
func replaced(t *testing.T, row []string) []byte {
	t.Helper()
	entry, _ := worked(t, workedEntries[0])
	at, err := strconv.Atoi(row[0])
	if err != nil {
		t.Fatal(err)
	}
	there, instead := fromHex(t, strings.Trim(row[1], "-")), fromHex(t, strings.Trim(row[2], "-"))
	if !strings.HasPrefix(string(entry[at:]), string(there)) {
		t.Fatalf("entry 0 has something else at %d", at)
	}
	return slices.Concat(entry[:at], instead, entry[at+len(there):])
}

func TestTheLongestFrame(t *testing.T) {
	entry, _ := worked(t, workedEntries[0])
	for length, isSound := range map[int]bool{65_241: true, 65_242: false} {
		header := []byte{0, 28, 0, 0, byte(length >> 8), byte(length)}
		_, err := ReadFrame(slices.Concat(entry, header, []byte(strings.Repeat("x", length))))
		if (err == nil) != isSound {
			t.Errorf("a reason of %d: %v", length, err)
		}
	}
}

func TestTheTreeOverTheWorkedEntries(t *testing.T) {
	text := section(t, "### The tree over these three")
	var leaves []Hash
	for _, heading := range workedEntries {
		_, hash := worked(t, heading)
		leaves = append(leaves, hash)
	}
	for size := range 4 {
		if !strings.Contains(text, "root of size "+strconv.Itoa(size)+": "+rootOf(leaves[:size]).String()) {
			t.Errorf("size %d has another root", size)
		}
	}
	stands, continues := hashesBehind(t, text, "entry 1 stands in size 3:"), hashesBehind(t, text, "size 3 continues size 1:")
	if err := VerifyInclusion(leaves[1], 1, 3, rootOf(leaves), stands); err != nil {
		t.Error(err)
	}
	if err := VerifyConsistency(1, leaves[0], 3, rootOf(leaves), continues); err != nil {
		t.Error(err)
	}
	refusesOtherProofs(t, leaves, 1, 3, stands)
}

// hashesBehind are the lines of hexadecimal below a line.
func hashesBehind(t *testing.T, text, line string) []Hash {
	t.Helper()
	_, rest, found := strings.Cut(text, line+"\n")
	if !found {
		t.Fatalf("no %q", line)
	}
	var found64 []Hash
	for _, one := range strings.Split(rest, "\n") {
		if len(one) != 64 {
			break
		}
		found64 = append(found64, hashFrom(t, one))
	}
	return found64
}

func refusesOtherProofs(t *testing.T, leaves []Hash, index, size int64, path []Hash) {
	t.Helper()
	root := rootOf(leaves[:size])
	for i := range path {
		changed := slices.Clone(path)
		changed[i][0] ^= 1
		if VerifyInclusion(leaves[index], index, size, root, changed) == nil ||
			VerifyInclusion(leaves[index], index, size, root, slices.Delete(slices.Clone(path), i, i+1)) == nil ||
			VerifyInclusion(leaves[index], index, size, root, append(slices.Clone(path), path[i])) == nil {
			t.Errorf("took a path whose hash %d was changed, left out or repeated", i)
		}
	}
	for _, wrong := range []int64{-1, size, index + 1, index - 1} {
		if VerifyInclusion(leaves[index], wrong, size, root, path) == nil {
			t.Errorf("took the path of %d for %d", index, wrong)
		}
	}
}

func TestTheLargerTrees(t *testing.T) {
	text := section(t, "### Larger trees")
	roots := map[int64]Hash{}
	for _, row := range rows(text) {
		size, err := strconv.ParseInt(row[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		roots[size] = hashFrom(t, row[1])
	}
	if len(roots) < 11 {
		t.Fatalf("%d roots", len(roots))
	}
	var tree tileTree
	tiles := map[int]int{}
	full := func(level int, _ int64, hashes []Hash) error { tiles[level]++; return nil }
	for size := int64(1); size <= 70_000; size++ {
		if err := tree.add(EntryHash([]byte(strconv.FormatInt(size-1, 10))), full); err != nil {
			t.Fatal(err)
		}
		if root, has := roots[size]; has && tree.root() != root {
			t.Errorf("size %d has another root", size)
		}
	}
	if tiles[0] != 273 || len(tree.rows[0]) != 112 || tiles[1] != 1 || len(tree.rows[1]) != 17 || len(tree.rows[2]) != 1 {
		t.Errorf("tiles %v", tiles)
	}
	block := blocks(text)[0]
	if err := VerifyInclusion(EntryHash([]byte("4")), 4, 7, roots[7], hashesBehind(t, block, "entry 4 stands in size 7:")); err != nil {
		t.Error(err)
	}
	for _, before := range []int64{3, 4} {
		path := hashesBehind(t, block, "size 7 continues size "+strconv.FormatInt(before, 10)+":")
		if err := VerifyConsistency(before, roots[before], 7, roots[7], path); err != nil {
			t.Error(err)
		}
		if VerifyConsistency(before, roots[2], 7, roots[7], path) == nil || VerifyConsistency(before, roots[before], 7, roots[8], path) == nil ||
			VerifyConsistency(before, roots[before], 7, roots[7], path[1:]) == nil || VerifyConsistency(before, roots[before], 7, roots[7], nil) == nil {
			t.Error("took a proof of other trees")
		}
	}
}

func TestTheCheckpointOfThePage(t *testing.T) {
	shown := blocks(section(t, "### A checkpoint of it"))
	keys, err := ParseKeys(shown[0])
	if err != nil || len(keys) != 2 || keys[0].IsWitness() || !keys[1].IsWitness() {
		t.Fatalf("%v, %v", keys, err)
	}
	note := []byte(shown[1])
	checkpoint, name, err := VerifyCheckpoint(note, keys)
	if err != nil || checkpoint.Size != 3 || name.Tenant != "acme" || name.Incarnation != 1 || name.Origin() != workedOrigin {
		t.Fatalf("%+v, %+v, %v", checkpoint, name, err)
	}
	parsed, _ := ParseNote(note)
	signed, err := parsed.Verify(keys)
	if err != nil || len(signed) != 2 || signed[1].Time.Format("15:04:05") != "12:00:05" {
		t.Errorf("%v, %v", signed, err)
	}
	if _, _, err := VerifyCheckpoint(note, keys[1:]); err == nil {
		t.Error("a witness alone was enough")
	}
	if _, _, err := VerifyCheckpoint(note, nil); err == nil {
		t.Error("nobody's signature was enough")
	}
	for i := range note {
		changed := slices.Clone(note)
		changed[i] ^= 1
		if _, _, err := VerifyCheckpoint(changed, keys[:1]); err == nil && i < strings.Index(shown[1], "— witness") {
			t.Errorf("took a checkpoint whose byte %d was changed", i)
		}
	}
	entry, _ := worked(t, workedEntries[1])
	proof, err := ParseProof([]byte(shown[2] + "\n" + shown[1]))
	if err != nil {
		t.Fatal(err)
	}
	if proven, err := proof.Verify(entry, keys); err != nil || proven.Frame.Seq != 1 {
		t.Errorf("%+v, %v", proven, err)
	}
	other, _ := worked(t, workedEntries[0])
	if _, err := proof.Verify(other, keys); err == nil {
		t.Error("took another entry")
	}
}

func TestThePackOfThePage(t *testing.T) {
	shown := blocks(section(t, "### A pack of two decisions"))[0]
	between := func(from, to string) string {
		_, rest, _ := strings.Cut(shown, from)
		found, _, _ := strings.Cut(rest, to)
		return found
	}
	first, second := fromHex(t, between("242 bytes:\n", "record 1")), fromHex(t, between("208 bytes:\n", "leaf 0"))
	payload := strings.TrimSpace(between("payload of the entry:\n", "```"))
	frame := &Frame{Type: recordedDecisions, Seq: 9, values: map[Field][]byte{FieldPayload: []byte(payload)}}
	pack, err := packOf(frame)
	if err != nil {
		t.Fatal(err)
	}
	file := func(records ...[]byte) []byte {
		var joined []byte
		for _, record := range records {
			joined = append(append(joined, byte(len(record)>>8), byte(len(record))), record...)
		}
		return joined
	}
	if err := pack.requireFile(file(first, second)); err != nil {
		t.Error(err)
	}
	for name, wrong := range map[string][]byte{
		"the other order": file(second, first), "one": file(first), "three": file(first, second, second), "none": nil,
		"torn": file(first, second)[:300],
	} {
		if pack.requireFile(wrong) == nil {
			t.Error("took", name)
		}
	}
	whole := file(first, second)
	for i := range whole {
		changed := slices.Clone(whole)
		changed[i] ^= 1
		if pack.requireFile(changed) == nil {
			t.Errorf("took records whose byte %d was changed", i)
		}
	}
	if err := VerifyInclusion(EntryHash(first), 0, 2, pack.root, []Hash{EntryHash(second)}); err != nil {
		t.Error(err)
	}
	record, err := ReadRecord(first)
	if id, _ := record.Text(RecordDecisionID); err != nil || !record.Allowed || id != "decision-41" {
		t.Errorf("%+v, %v", record, err)
	}
	for _, wrong := range []string{
		strings.Replace(payload, "2", "3", 1), strings.Replace(payload, `{"`, `{ "`, 1), strings.Replace(payload, ":1", ":01", 1), payload + " ",
	} {
		frame.values[FieldPayload] = []byte(wrong)
		if other, err := packOf(frame); err == nil && other.requireFile(whole) == nil {
			t.Errorf("took %s", wrong)
		}
	}
}

func goldenKeys(t *testing.T) []Key {
	t.Helper()
	key, err := ParseKey("assize.example.com/00112233445566778899aabbccddeeff+968dc7ce+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4")
	if err != nil {
		t.Fatal(err)
	}
	return []Key{key}
}

func TestTheGoldenBundleVerifiesAndNoByteOfItMayChange(t *testing.T) {
	golden, err := os.ReadFile("testdata/golden-bundle.tar")
	if err != nil {
		t.Fatal(err)
	}
	report, err := VerifyBundle("testdata/golden-bundle.tar", goldenKeys(t), nil)
	if err != nil || report.Checkpoint.Size != 3 || report.To != 3 || report.IsPart() || report.Name.Tenant != "acme" {
		t.Fatalf("%+v, %v", report, err)
	}
	for i := range golden {
		changed := slices.Clone(golden)
		changed[i] ^= byte(1 << (i % 8))
		if _, err := verifyTar(changed, goldenKeys(t)); err == nil {
			t.Fatalf("took a bundle whose byte %d was changed", i)
		}
	}
	content := len(bytes.TrimRight(golden, "\x00"))
	for length := 0; length < content; length += 97 {
		if _, err := verifyTar(golden[:length], goldenKeys(t)); err == nil {
			t.Errorf("took the first %d bytes", length)
		}
	}
	if _, err := VerifyBundle("testdata/golden-bundle.tar", nil, nil); err == nil {
		t.Error("took a bundle that nobody is trusted for")
	}
}

func verifyTar(tar []byte, keys []Key) (Report, error) {
	files, err := readTar(bytes.NewReader(tar), int64(len(tar)))
	if err != nil {
		return Report{}, err
	}
	return verifyFiles(files, keys, nil)
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTheGoldenProofVerifiesAndNoByteOfItMayChange(t *testing.T) {
	golden, err := os.ReadFile("testdata/golden.tlog-proof")
	if err != nil {
		t.Fatal(err)
	}
	verify := func(bytes []byte) error {
		proof, err := ParseProof(bytes)
		if err != nil {
			return err
		}
		_, err = proof.Verify(proof.Extra, goldenKeys(t))
		return err
	}
	if err := verify(golden); err != nil {
		t.Fatal(err)
	}
	for i := range golden {
		changed := slices.Clone(golden)
		changed[i] ^= byte(1 << (i % 8))
		if verify(changed) == nil {
			t.Errorf("took a proof whose byte %d was changed", i)
		}
	}
}
