package ledger

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Whoever holds the key can sign anything. These are refused although all is signed.

func TestRefusesACheckpointOverAnotherRoot(t *testing.T) {
	w := newWriter(t)
	w.fill(3)
	text := w.text("acme", 1, 3, EntryHash([]byte("other")))
	files := w.bundle()
	files["checkpoint"] = w.sign(text)
	files["meta-checkpoint.tlog-proof"] = append([]byte("c2sp.org/tlog-proof@v1\nindex 0\n\n"), w.sign(w.text(heads, 1, 1, EntryHash([]byte(text))))...)
	refuses(t, "another root", w, files, nil, -1)
}

func TestRefusesALogOfHeadsThatIsNotTheDeploymentsOwn(t *testing.T) {
	w := newWriter(t)
	w.fill(3)
	text := w.text("acme", 1, 3, rootOf(w.leaves()))
	for name, log := range map[string]string{
		"another leaf":    w.text(heads, 1, 1, EntryHash([]byte("other"))),
		"no log of heads": w.text("acme", 1, 1, EntryHash([]byte(text))),
		"of another deployment": strings.Replace(w.text(heads, 1, 1, EntryHash([]byte(text))),
			deployment, "test.example.com/ffffffffffffffffffffffffffffffff", 1),
	} {
		files := w.bundle()
		files["meta-checkpoint.tlog-proof"] = append([]byte("c2sp.org/tlog-proof@v1\nindex 0\n\n"), w.sign(log)...)
		if _, err := verify(t, w, files, nil); err == nil {
			t.Errorf("took %s", name)
		}
	}
}

// Both deployments are trusted, and still each has a log of heads of its own.
func TestRefusesTheLogOfHeadsOfAnotherTrustedDeployment(t *testing.T) {
	w := newWriter(t)
	w.fill(3)
	const another = "test.example.com/ffffffffffffffffffffffffffffffff"
	typed := append([]byte{keyOfNotes}, w.signer.Public().(ed25519.PublicKey)...)
	id := hashOf([]byte(another+"\n"), typed)
	key, err := ParseKey(fmt.Sprintf("%s+%x+%s", another, id[:4], base64.StdEncoding.EncodeToString(typed)))
	if err != nil {
		t.Fatal(err)
	}
	leaf := EntryHash([]byte(w.text("acme", 1, 3, rootOf(w.leaves()))))
	log := strings.Replace(w.text(heads, 1, 1, leaf), deployment, another, 1)
	signature := append(id[:4:4], ed25519.Sign(w.signer, []byte(log))...)
	files := w.bundle()
	files["meta-checkpoint.tlog-proof"] = fmt.Appendf(nil, "c2sp.org/tlog-proof@v1\nindex 0\n\n%s\n%s%s %s\n",
		log, signatureDash, another, base64.StdEncoding.EncodeToString(signature))
	if _, err := verifyTar(tarOf(files), []Key{w.key, key}); err == nil || !strings.Contains(err.Error(), "another deployment") {
		t.Errorf("got %v", err)
	}
}

func TestNamesTheEntryThatWasChanged(t *testing.T) {
	w := full(t)
	files := w.bundle()
	name := tileName("entries", 1, 256)
	read, whole := pieces(files[name])
	if !whole {
		t.Fatal("entries are torn")
	}
	changed := bytes.Replace(read[40], []byte("user:alice"), []byte("user:malice")[:10], 1) // as sound as before
	if _, err := ReadFrame(changed); err != nil || bytes.Equal(changed, read[40]) {
		t.Fatal("the change is none, or spoils the frame:", err)
	}
	files[name] = bytes.Replace(files[name], read[40], changed, 1)
	refuses(t, "another actor", w, files, nil, 256+40)
}

func TestOnlyTheDeploymentsOwnKeyMakesACheckpointOne(t *testing.T) {
	w := newWriter(t)
	w.fill(3)
	elsewhere := strings.Replace(string(w.text("acme", 1, 3, rootOf(w.leaves()))), deployment, "test.example.com/ffffffffffffffffffffffffffffffff", 1)
	if _, _, err := VerifyCheckpoint(w.sign(elsewhere), []Key{w.key}); err == nil {
		t.Error("took a checkpoint of another deployment")
	}
	text := w.text("acme", 1, 3, rootOf(w.leaves()))
	typed := append([]byte{keyOfCosigners}, w.signer.Public().(ed25519.PublicKey)...)
	id := hashOf([]byte(deployment+"\n"), typed)
	witness, err := ParseKey(fmt.Sprintf("%s+%x+%s", deployment, id[:4], base64.StdEncoding.EncodeToString(typed)))
	if err != nil {
		t.Fatal(err)
	}
	cosigned := ed25519.Sign(w.signer, []byte(fmt.Sprintf(cosignatureHead, 7)+text))
	signature := slices.Concat(id[:4], binary.BigEndian.AppendUint64(nil, 7), cosigned)
	note := []byte(text + "\n" + signatureDash + deployment + " " + base64.StdEncoding.EncodeToString(signature) + "\n")
	parsed, err := ParseNote(note)
	if err != nil {
		t.Fatal(err)
	}
	if signed, err := parsed.Verify([]Key{witness}); err != nil || signed[0].Time.Unix() != 7 {
		t.Errorf("%v, %v", signed, err)
	}
	if _, _, err := VerifyCheckpoint(note, []Key{witness}); err == nil {
		t.Error("took a witness of the log's name for the log")
	}
}

func TestANoteHasAtMostAHundredSignatures(t *testing.T) {
	for count, isOne := range map[int]bool{0: false, 1: true, 100: true, 101: false} {
		_, err := ParseNote([]byte("a\n\n" + strings.Repeat("\u2014 b AAAAAAA=\n", count)))
		if (err == nil) != isOne {
			t.Errorf("%d: %v", count, err)
		}
	}
	if _, err := ParseNote([]byte(strings.Repeat("a", maxNoteBytes) + "\n\n\u2014 b AAAAAAA=\n")); err == nil {
		t.Error("took a note that is too long")
	}
}

func TestTimeAndIncarnationsRise(t *testing.T) {
	w := newWriter(t)
	w.fill(2)
	w.append(map[Field][]byte{FieldRecordedAt: binary.BigEndian.AppendUint64(nil, uint64(noon.UnixMicro()+1))}) // as entry 1
	refuses(t, "the same time", w, w.bundle(), nil, 2)

	w = newWriter(t)
	w.incarnation = 2
	w.fill(2)
	w.append(map[Field][]byte{FieldIncarnation: {0, 0, 0, 1}})
	w.fill(4)
	refuses(t, "an earlier incarnation between", w, w.bundle(), nil, 2)

	w = newWriter(t)
	w.incarnation = 2
	w.fill(300)
	w.incarnation = 1 // the checkpoint's
	refuses(t, "a part of a later incarnation than its checkpoint", w, w.bundlePart(0, 256), nil, 0)
}

func TestAValueStandsOnlyBesideItsOwnBundle(t *testing.T) {
	w := full(t)
	files := w.bundle()
	files["payload/000.jsonl"] = slices.Concat(files["payload/000.jsonl"], files["payload/001.jsonl"])
	refuses(t, "a value of another bundle", w, files, nil, 0)
	files = w.bundle()
	files["payload/001.jsonl"] = slices.Concat(files["payload/001.jsonl"], files["payload/001.jsonl"])
	refuses(t, "a value twice", w, files, nil, 256)
}

func TestNoEntryExcusesItself(t *testing.T) {
	w := newWriter(t)
	number := binary.BigEndian.AppendUint16(nil, uint16(FieldReason))
	w.append(map[Field][]byte{
		FieldType:        []byte("assize.ledger.erased"),
		FieldPayload:     []byte(`{"seq":0,"fields":["reason"]}`),
		FieldCommitments: append(number, make([]byte, 32)...),
	})
	refuses(t, "an excuse of its own", w, w.bundle(), nil, 0)
}

func TestADecisionWasMadeWhenItsPackSays(t *testing.T) {
	w := newWriter(t)
	w.record(3)
	frame, err := ReadFrame(w.entries[0])
	if err != nil {
		t.Fatal(err)
	}
	said, _ := frame.Text(FieldPayload)
	first := fmt.Sprintf(`"first":%d`, noon.UnixMicro())
	for name, change := range map[string][2]string{
		"a later first":    {first, fmt.Sprintf(`"first":%d`, noon.UnixMicro()+1)},
		"an earlier last":  {fmt.Sprintf(`"last":%d`, noon.UnixMicro()+2), fmt.Sprintf(`"last":%d`, noon.UnixMicro()-1)},
		"an earlier first": {first, fmt.Sprintf(`"first":%d`, noon.UnixMicro()-1)},
	} {
		other := newWriter(t)
		other.append(map[Field][]byte{FieldType: []byte(recordedDecisions), FieldPayload: []byte(strings.Replace(said, change[0], change[1], 1))})
		other.decisions = w.decisions
		refuses(t, name, other, other.bundle(), nil, 0)
		if _, err := verifyDecision([]byte(other.decisionProof(0, 0)), []Key{w.key}); err == nil && name != "an earlier first" {
			t.Errorf("%s: took a proof of a decision outside of its pack's time", name)
		}
	}
}

func TestNumbersAndBase64StandInOneWayOnly(t *testing.T) {
	w := newWriter(t)
	w.fill(5)
	proof := w.proof(1)
	if _, err := ParseProof([]byte(proof)); err != nil {
		t.Fatal(err)
	}
	for _, index := range []string{"index 01\n", "index +1\n", "index -1\n", "index 1 \n", "index\n", "index 9223372036854775808\n", "index 0x1\n", "index 1_0\n"} {
		if _, err := ParseProof([]byte(strings.Replace(proof, "index 1\n", index, 1))); err == nil {
			t.Errorf("took %q", index)
		}
	}
	at := strings.Index(proof, "index 1\n") + len("index 1\n")
	for _, noise := range []string{"\r", "\t", " ", "="} {
		if _, err := ParseProof([]byte(proof[:at+4] + noise + proof[at+4:])); err == nil {
			t.Errorf("took a hash with %q in it", noise)
		}
	}
	if _, err := unbase64("AAB="); err == nil {
		t.Error("took bits that say nothing")
	}
}

func TestAPathLeadsAllTheWay(t *testing.T) {
	a, p := EntryHash([]byte("a")), EntryHash([]byte("p"))
	if VerifyInclusion(a, 0, 2, a, nil) == nil {
		t.Error("took a leaf for the root of two")
	}
	if VerifyConsistency(1, a, 3, node(a, p), []Hash{p}) == nil {
		t.Error("took a tree of two for one of three")
	}
	if VerifyConsistency(0, emptyRoot, 3, a, []Hash{p}) == nil || VerifyConsistency(0, a, 3, a, nil) == nil ||
		VerifyConsistency(2, a, 2, p, nil) == nil || VerifyConsistency(2, a, 2, a, []Hash{p}) == nil || VerifyConsistency(3, a, 2, a, nil) == nil ||
		VerifyConsistency(0, emptyRoot, 0, a, nil) == nil {
		t.Error("took trees that do not continue each other")
	}
	if VerifyConsistency(0, emptyRoot, 3, a, nil) != nil || VerifyConsistency(2, a, 2, a, nil) != nil {
		t.Error("refused the plainest cases")
	}
}

func TestNothingStandsBetweenTheMembersOfATarFile(t *testing.T) {
	w := newWriter(t)
	w.fill(1)
	between := tarOf(w.bundle())
	between[tarBlock+tarBlock-1] = 1 // behind the first member's content
	if _, err := verifyTar(between, []Key{w.key}); err == nil {
		t.Error("took something between two members")
	}
}
