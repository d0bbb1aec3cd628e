package ledger

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// full is a ledger of three bundles of entries, with values beside them, an erasure and decisions.
func full(t *testing.T) *writer {
	w := newWriter(t)
	w.fill(3)
	w.appendErasable("holiday cover")
	erased := w.appendErasable("a name")
	w.record(5)
	w.fill(300)
	w.erase(erased, true)
	w.appendErasable("another")
	w.fill(600)
	return w
}

func verify(t *testing.T, w *writer, files map[string][]byte, kept []byte) (Report, error) {
	t.Helper()
	encoded := tarOf(files)
	tar, err := readTar(strings.NewReader(string(encoded)), int64(len(encoded)))
	if err != nil {
		return Report{}, err
	}
	return verifyFiles(tar, []Key{w.key}, kept)
}

// refuses requires a bundle not to be proven, with the first bad position; -1 where there is none.
func refuses(t *testing.T, what string, w *writer, files map[string][]byte, kept []byte, seq int64) {
	t.Helper()
	_, err := verify(t, w, files, kept)
	if wrong := (*NotProvenError)(nil); !errors.As(err, &wrong) || wrong.Seq != seq {
		t.Errorf("%s: %v", what, err)
	}
}

func TestAWholeBundleIsProven(t *testing.T) {
	w := full(t)
	report, err := verify(t, w, w.bundle(), w.checkpoint(256))
	if err != nil || report.To != 600 || report.IsPart() || report.Redacted != 1 || report.Missing != 0 || report.Head != w.link {
		t.Fatalf("%+v, %v", report, err)
	}
	directory := t.TempDir()
	for name, content := range w.bundle() {
		write(t, filepath.Join(directory, name), content)
	}
	if _, err := VerifyBundle(directory, []Key{w.key}, nil); err != nil {
		t.Error("as a directory:", err)
	}
	empty := newWriter(t)
	if report, err := verify(t, empty, empty.bundle(), empty.checkpoint(0)); err != nil || report.To != 0 {
		t.Errorf("empty: %+v, %v", report, err)
	}
}

func TestNoFileOfABundleMayBeMissingOrChanged(t *testing.T) {
	w := full(t)
	for name := range w.bundle() {
		files := w.bundle()
		delete(files, name)
		if _, err := verify(t, w, files, nil); err == nil {
			t.Errorf("took a bundle without %s", name)
		}
		for _, place := range []int{0, len(w.bundle()[name]) / 2, len(w.bundle()[name]) - 1} {
			files := w.bundle()
			files[name] = slices.Clone(files[name])
			files[name][place] ^= 1
			if _, err := verify(t, w, files, nil); err == nil {
				t.Errorf("took a bundle in which byte %d of %s was changed", place, name)
			}
		}
		for _, content := range [][]byte{{}, append(slices.Clone(w.bundle()[name]), w.bundle()[name]...)} {
			files := w.bundle()
			files[name] = content
			if _, err := verify(t, w, files, nil); err == nil {
				t.Errorf("took a bundle in which %s is empty or twice as long", name)
			}
		}
	}
}

func TestNamesTheFirstBadPosition(t *testing.T) {
	for name, test := range map[string]struct {
		change func(w *writer)
		seq    int64
	}{
		"a link":           {func(w *writer) { w.append(map[Field][]byte{FieldPrevHash: make([]byte, 32)}) }, 600},
		"a position":       {func(w *writer) { w.append(map[Field][]byte{FieldSeq: {0, 0, 0, 0, 0, 0, 0, 9}}) }, 600},
		"another ledger":   {func(w *writer) { w.append(map[Field][]byte{FieldOrigin: []byte(deployment + "/other")}) }, 600},
		"a time":           {func(w *writer) { w.append(map[Field][]byte{FieldRecordedAt: make([]byte, 8)}) }, 600},
		"no frame":         {func(w *writer) { w.append(map[Field][]byte{FieldOutcome: {9}}) }, 600},
		"a lost value":     {func(w *writer) { w.erase(3, false) }, 3},
		"another value":    {func(w *writer) { w.values[0].value = []byte("other") }, 3},
		"another salt":     {func(w *writer) { w.values[0].salt = make([]byte, 32) }, 3},
		"other decisions":  {func(w *writer) { w.decisions[5] = w.decisions[5][2:] }, 5},
		"a later life":     {func(w *writer) { w.append(map[Field][]byte{FieldIncarnation: {0, 0, 0, 2}}) }, 600},
		"an unknown field": {func(w *writer) { w.append(map[Field][]byte{37: {}}) }, 600},
	} {
		w := full(t)
		test.change(w)
		refuses(t, name, w, w.bundle(), nil, test.seq)
	}
}

func TestAnIncarnationThatHasEndedIsOver(t *testing.T) {
	w := newWriter(t)
	w.fill(3)
	w.incarnation = 2
	w.fill(5)
	if _, err := verify(t, w, w.bundle(), nil); err != nil {
		t.Error(err)
	}
	w.append(map[Field][]byte{FieldIncarnation: {0, 0, 0, 1}})
	refuses(t, "an earlier incarnation again", w, w.bundle(), nil, 5)
	unbegun := newWriter(t)
	unbegun.fill(3)
	unbegun.incarnation = 2 // that of the checkpoint only
	refuses(t, "no entry of the checkpoint's incarnation", unbegun, unbegun.bundle(), nil, 2)
}

func TestAMemberThatNobodyAskedForIsRefused(t *testing.T) {
	w := full(t)
	for _, name := range []string{"other", "tile/0/009", "decisions/001", "payload/002.jsonl"} {
		files := w.bundle()
		if files[name] != nil {
			t.Fatal(name)
		}
		files[name] = []byte("x")
		if _, err := verify(t, w, files, nil); err == nil {
			t.Errorf("took %s", name)
		}
	}
}

func TestTheLedgerContinuesACheckpointThatWasKept(t *testing.T) {
	w := full(t)
	for _, size := range []int{0, 1, 255, 256, 257, 599, 600} {
		if _, err := verify(t, w, w.bundle(), w.checkpoint(size)); err != nil {
			t.Errorf("size %d: %v", size, err)
		}
	}
	other := newWriter(t)
	other.appendErasable("other")
	other.fill(700)
	refuses(t, "other entries", w, w.bundle(), other.checkpoint(300), -1)
	refuses(t, "cut off", w, w.bundle(), other.checkpoint(700), 600)
	tenant := w.sign(w.text("other", 1, 3, rootOf(w.leaves()[:3])))
	refuses(t, "another tenant's", w, w.bundle(), tenant, -1)
	later := w.sign(w.text("acme", 2, 3, rootOf(w.leaves()[:3])))
	refuses(t, "a later incarnation's", w, w.bundle(), later, -1)
	log := w.sign(w.text(heads, 1, 3, rootOf(w.leaves()[:3])))
	refuses(t, "the log's of heads", w, w.bundle(), log, -1)
}

func TestSaysWhichSignedEntriesWereLost(t *testing.T) {
	lost := newWriter(t)
	lost.fill(10)
	signed := lost.checkpoint(10)
	w := newWriter(t)
	w.fill(7)
	w.incarnation = 2
	w.fill(12)
	refuses(t, "an incarnation in the place of signed entries", w, w.bundle(), signed, 7)
	w.entries = w.entries[:9]
	refuses(t, "fewer entries", w, w.bundle(), signed, 7)
}

func TestAPartIsProvenByWhatIsThere(t *testing.T) {
	w := full(t)
	for _, test := range []struct{ from, to, missing int }{{0, 256, 1}, {256, 512, 0}, {512, 600, 0}, {256, 600, 0}, {0, 512, 0}} {
		files := w.bundlePart(test.from, test.to)
		report, err := verify(t, w, files, nil)
		if err != nil || report.From != int64(test.from) || report.To != int64(test.to) || !report.IsPart() || report.Missing != test.missing {
			t.Errorf("%d to %d: %+v, %v", test.from, test.to, report, err)
		}
		if _, err := verify(t, w, files, w.checkpoint(test.to)); err != nil {
			t.Errorf("%d to %d: %v", test.from, test.to, err)
		}
		for name := range files {
			changed := maps.Clone(files)
			changed[name] = slices.Clone(files[name])
			changed[name][len(changed[name])/2] ^= 1
			if _, err := verify(t, w, changed, nil); err == nil {
				t.Errorf("%d to %d: took another %s", test.from, test.to, name)
			}
			delete(changed, name)
			report, err := verify(t, w, changed, nil) // an entry behind the part may say that values were erased
			if err == nil && !(strings.HasPrefix(name, "payload/") && report.Missing > test.missing) {
				t.Errorf("%d to %d: needed no %s", test.from, test.to, name)
			}
		}
	}
	refuses(t, "a checkpoint that says nothing of it", w, w.bundlePart(256, 512), w.checkpoint(255), -1)
	refuses(t, "a checkpoint that says nothing of it", w, w.bundlePart(256, 512), w.checkpoint(513), -1)
}

func TestRefusesPartsThatCannotBe(t *testing.T) {
	w := full(t)
	files := w.bundlePart(256, 512)
	good := string(files["part"])
	for _, wrong := range []string{
		"", strings.Replace(good, "256", "255", 1), strings.Replace(good, "256", "512", 1), strings.Replace(good, "256", "0256", 1),
		strings.Replace(good, "512", "99999999999999999999", 1), strings.ToUpper(good), good + "\n", strings.TrimSuffix(good, "\n"),
		strings.Replace(good, "v1", "v2", 1), strings.Replace(good, "512", "511", 1), strings.Replace(good, "from 256", "from 0", 1),
	} {
		files["part"] = []byte(wrong)
		if _, err := verify(t, w, files, nil); err == nil {
			t.Errorf("took %q", wrong)
		}
	}
}

func TestRefusesTarFilesThatHideSomething(t *testing.T) {
	w := newWriter(t)
	w.fill(3)
	plain := tarOf(w.bundle())
	keys := []Key{w.key}
	if _, err := verifyTar(plain, keys); err != nil {
		t.Fatal(err)
	}
	patched := func(at int, text string) []byte {
		tar := slices.Clone(plain)
		copy(tar[at:512], text)
		fixSum(tar[:512])
		return tar
	}
	for name, tar := range map[string][]byte{
		"a link":                  patched(156, "2"),
		"an extended header":      patched(156, "x"),
		"a plain file of old":     patched(156, "\x00"),
		"a directory":             patched(156, "5"),
		"a name that goes on":     patched(50, "x"),
		"a name that is not here": patched(0, "./"),
		"a mode":                  patched(100, "0000755\x00"),
		"an owner":                patched(108, "0001750\x00"),
		"a group":                 patched(116, "0001750\x00"),
		"a size that goes on":     patched(135, " "),
		"a size in words":         patched(124, "-"),
		"a size of 8 GiB":         patched(124, "77777777777\x00"),
		"a time":                  patched(136, "15000000000\x00"),
		"a text as a link":        patched(157, "hidden words"),
		"another kind of tar":     patched(257, "ustar  \x00"),
		"no kind of tar":          patched(257, "words..."),
		"the name of an owner":    patched(265, "root"),
		"the name of a group":     patched(297, "wheel"),
		"a major device":          patched(329, "0000000\x00"),
		"a minor device":          patched(337, "0000001\x00"),
		"a prefix":                patched(345, "tile"),
		"a text at the end":       patched(500, "hidden words"),
		"something behind":        slices.Concat(plain, make([]byte, 511), []byte{1}),
		"zeros behind":            slices.Concat(plain, make([]byte, 512)),
		"half a block":            slices.Concat(plain, make([]byte, 7)),
		"a member twice":          slices.Concat(plain[:1024], plain),
		"no end":                  plain[:len(plain)-1024],
		"half an end":             plain[:len(plain)-512],
	} {
		if _, err := verifyTar(tar, keys); err == nil {
			t.Error("took", name)
		}
	}
}

func fixSum(header []byte) {
	sum := 8 * int(' ')
	for i, b := range header[:512] {
		if i < tarSumAt || i >= tarSumAt+8 {
			sum += int(b)
		}
	}
	for i := range 6 {
		header[tarSumAt+5-i] = byte('0' + sum>>(3*i)&7)
	}
	header[tarSumAt+6], header[tarSumAt+7] = 0, ' '
}

func TestPlacesOfFiles(t *testing.T) {
	for number, name := range map[int64]string{0: "000", 7: "007", 999: "999", 1000: "x001/000", 1234067: "x001/x234/067"} {
		if place(number) != name {
			t.Errorf("%d is at %s", number, place(number))
		}
	}
}
