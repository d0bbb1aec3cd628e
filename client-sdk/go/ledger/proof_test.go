package ledger

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func verifyDecision(text []byte, keys []Key) (*Record, error) {
	proof, err := ParseDecisionProof(text)
	if err != nil {
		return nil, err
	}
	record, _, err := proof.Verify(keys)
	return record, err
}

func TestADecisionOnRecordIsProvenAlone(t *testing.T) {
	w := full(t)
	keys := []Key{w.key}
	for position := range 5 {
		record, err := verifyDecision([]byte(w.decisionProof(5, position)), keys)
		if err != nil {
			t.Fatal(err)
		}
		id, _ := record.Text(RecordDecisionID)
		tenant, platform := record.Revision()
		if record.Allowed || id != fmt.Sprintf("d-%d", position) || record.DecidedAt().UnixMicro() != noon.UnixMicro()+int64(position) || tenant != 0 || platform != 0 {
			t.Errorf("%d: %+v", position, record)
		}
	}
}

func TestNoByteOfAProofOfADecisionMayChange(t *testing.T) {
	w := newWriter(t)
	w.fill(2)
	w.record(3)
	w.fill(4)
	keys := []Key{w.key}
	proof := []byte(w.decisionProof(2, 1))
	if _, err := verifyDecision(proof, keys); err != nil {
		t.Fatal(err)
	}
	for i := range proof {
		changed := slices.Clone(proof)
		changed[i] ^= byte(1 << (i % 8))
		if _, err := verifyDecision(changed, keys); err == nil {
			t.Errorf("took a proof whose byte %d was changed: %q", i, changed[max(0, i-20):i+1])
		}
	}
}

func TestRefusesAProofOfAnotherDecision(t *testing.T) {
	w := newWriter(t)
	w.record(3)
	w.record(2)
	w.fill(5)
	keys := []Key{w.key}
	proof := w.decisionProof(0, 1)
	for name, wrong := range map[string]string{
		"another place":           strings.Replace(proof, "place 1 3", "place 0 3", 1),
		"another count":           strings.Replace(proof, "place 1 3", "place 1 4", 1),
		"without its entry":       strings.Replace(proof, proof[strings.Index(proof, "extra "):strings.Index(proof, "index ")], "", 1),
		"another entry":           proof[:strings.Index(proof, "c2sp")] + w.proof(1),
		"an entry without a pack": proof[:strings.Index(proof, "c2sp")] + w.proof(3),
	} {
		if _, err := verifyDecision([]byte(wrong), keys); err == nil {
			t.Errorf("took %s", name)
		}
	}
	if _, err := verifyDecision([]byte(proof), goldenKeys(t)); err == nil {
		t.Error("took somebody else's signature")
	}
}

func TestAProofBindsAnEntryToItsPlaceAndLedger(t *testing.T) {
	w := newWriter(t)
	w.fill(6)
	keys := []Key{w.key}
	for seq := range 6 {
		proof, err := ParseProof([]byte(w.proof(seq)))
		if err != nil {
			t.Fatal(err)
		}
		if proven, err := proof.Verify(w.entries[seq], keys); err != nil || proven.Frame.Seq != int64(seq) || proven.Hash != EntryHash(w.entries[seq]) {
			t.Errorf("%d: %v", seq, err)
		}
		if _, err := proof.Verify(w.entries[(seq+1)%6], keys); err == nil {
			t.Errorf("%d: took another entry", seq)
		}
	}
	// Whoever has the key could sign a log whose entries say something else than where they stand.
	moved := newWriter(t)
	moved.append(map[Field][]byte{FieldSeq: {0, 0, 0, 0, 0, 0, 0, 1}})
	stranger := newWriter(t)
	stranger.append(map[Field][]byte{FieldOrigin: []byte(deployment + "/other")})
	later := newWriter(t)
	later.append(map[Field][]byte{FieldIncarnation: {0, 0, 0, 2}})
	broken := newWriter(t)
	broken.append(map[Field][]byte{FieldOutcome: {7}})
	for name, wrong := range map[string]*writer{"another seq": moved, "another origin": stranger, "a later incarnation": later, "no frame": broken} {
		proof, err := ParseProof([]byte(wrong.proof(0)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := proof.Verify(wrong.entries[0], keys); err == nil {
			t.Errorf("took an entry of %s", name)
		}
	}
}

func TestRefusesRecordsThatContradictThemselves(t *testing.T) {
	w := newWriter(t)
	w.record(1)
	records, whole := pieces(w.decisions[0])
	if !whole {
		t.Fatal("records are torn")
	}
	read, err := fields(records[0][1:])
	if err != nil {
		t.Fatal(err)
	}
	with := func(changes map[RecordField][]byte) []byte {
		values := map[RecordField][]byte{}
		for _, field := range read {
			values[RecordField(field.number)] = field.value
		}
		for number, value := range changes {
			values[number] = value
		}
		bytes := []byte{recordVersion}
		for number := RecordSalt; number <= RecordTraceContext+1; number++ {
			if value := values[number]; value != nil {
				bytes = append(bytes, encoded(uint16(number), value)...)
			}
		}
		return bytes
	}
	text, rule := []byte("x"), []byte{0, 0, 0, 1}
	for name, sound := range map[string]map[RecordField][]byte{
		"as it was": {}, "by a binding": {RecordBinding: text, RecordRole: text, RecordRule: rule}, "by a freeze": {RecordFreeze: text},
		"an allow": {RecordDecision: {1}, RecordReason: []byte("ALLOWED")}, "on behalf": {RecordOnBehalfOf: text, RecordOnBehalfOfTenant: text},
		"with lists": {RecordActiveRoles: {0, 0, 0, 1, 'a'}, RecordObligations: {0, 0, 0, 0}},
	} {
		if _, err := ReadRecord(with(sound)); err != nil {
			t.Errorf("refused one that is sound, %s: %v", name, err)
		}
	}
	for name, wrong := range map[string]map[RecordField][]byte{
		"two that decided":         {RecordFreeze: text, RecordApprovalRule: text},
		"a binding alone":          {RecordBinding: text},
		"a role alone":             {RecordRole: text},
		"a rule alone":             {RecordRule: rule},
		"a large rule":             {RecordBinding: text, RecordRole: text, RecordRule: {0x80, 0, 0, 0}},
		"no home of whom it is on": {RecordOnBehalfOf: text},
		"a home of nobody":         {RecordOnBehalfOfTenant: text},
		"an allow that is a deny":  {RecordDecision: {1}},
		"a deny that is an allow":  {RecordReason: []byte("ALLOWED")},
		"neither":                  {RecordDecision: {3}},
		"a short salt":             {RecordSalt: text},
		"an empty list":            {RecordActiveRoles: {}},
		"an unknown field":         {RecordTraceContext + 1: text},
		"a text that is not UTF-8": {RecordAction: {0xff}},
		"too long":                 {RecordTraceContext: []byte(strings.Repeat("x", MaxRecordBytes))},
	} {
		if _, err := ReadRecord(with(wrong)); err == nil {
			t.Errorf("took %s", name)
		}
	}
	for _, field := range read {
		without := slices.DeleteFunc(slices.Clone(read), isField(field.number))
		bytes := []byte{recordVersion}
		for _, one := range without {
			bytes = append(bytes, encoded(one.number, one.value)...)
		}
		if _, err := ReadRecord(bytes); err == nil {
			t.Errorf("took one without field %d", field.number)
		}
	}
}

func isField(number uint16) func(field) bool {
	return func(field field) bool { return field.number == number }
}
