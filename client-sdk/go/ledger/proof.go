package ledger

import "strings"

const maxProofBytes = 2 * maxNoteBytes

// Proof is what it takes to verify one entry, but the entry and the keys: a .tlog-proof file (C2SP tlog-proof).
type Proof struct {
	Index      int64
	Extra      []byte // comes along, and is not proven
	path       []Hash
	checkpoint *Note
}

// ParseProof reads a proof, strictly.
func ParseProof(bytes []byte) (*Proof, error) {
	head, note, err := parts(bytes, "c2sp.org/tlog-proof@v1")
	if err != nil {
		return nil, err
	}
	proof := &Proof{}
	if len(head) > 0 && strings.HasPrefix(head[0], "extra ") {
		if proof.Extra, err = unbase64(strings.TrimPrefix(head[0], "extra ")); err != nil || len(proof.Extra) == 0 {
			return nil, notProven("the extra data of a proof are not base64, or none")
		}
		head = head[1:]
	}
	if len(head) == 0 || !strings.HasPrefix(head[0], "index ") {
		return nil, notProven("a proof has an index")
	}
	if proof.Index, err = decimal(strings.TrimPrefix(head[0], "index ")); err != nil {
		return nil, err
	}
	if proof.path, err = path(head[1:]); err != nil {
		return nil, err
	}
	proof.checkpoint, err = ParseNote([]byte(note))
	return proof, err
}

// parts divides a proof at its first empty line, and takes its title off.
func parts(bytes []byte, title string) ([]string, string, error) {
	if len(bytes) > maxProofBytes {
		return nil, "", notProven("a proof has at most %d bytes", maxProofBytes)
	}
	if err := requireUTF8(bytes); err != nil {
		return nil, "", err
	}
	head, rest, divided := strings.Cut(string(bytes), "\n\n")
	read := strings.Split(head, "\n")
	if !divided || read[0] != title {
		return nil, "", notProven("a proof begins with %q, and has an empty line", title)
	}
	return read[1:], rest, nil
}

func path(encoded []string) ([]Hash, error) {
	if len(encoded) > longestPath {
		return nil, notProven("a path has at most %d hashes", longestPath)
	}
	var hashes []Hash
	for _, line := range encoded {
		hash, err := hashFromBase64(line)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

// ProvenEntry is an entry that stands in a ledger.
type ProvenEntry struct {
	Frame      *Frame
	Hash       Hash
	Checkpoint Checkpoint
}

// Verify requires the entry to stand in the ledger of the checkpoint, which one of these keys must have signed.
func (p *Proof) Verify(entry []byte, keys []Key) (ProvenEntry, error) {
	checkpoint, name, err := verifyLog(p.checkpoint, keys, func(tenant string) bool { return tenant != heads })
	if err != nil {
		return ProvenEntry{}, err
	}
	hash := EntryHash(entry)
	if err := VerifyInclusion(hash, p.Index, checkpoint.Size, checkpoint.Root, p.path); err != nil {
		return ProvenEntry{}, at(p.Index, err)
	}
	frame, err := ReadFrame(entry)
	if err != nil {
		return ProvenEntry{}, at(p.Index, err)
	}
	if frame.Origin != name.Origin() || frame.Seq != p.Index || frame.Incarnation > name.Incarnation {
		return ProvenEntry{}, notProvenAt(p.Index, "the entry is %d of %q in incarnation %d, not %d of %q",
			frame.Seq, frame.Origin, frame.Incarnation, p.Index, checkpoint.Origin)
	}
	return ProvenEntry{frame, hash, checkpoint}, nil
}

// DecisionProof is what it takes to verify one decision on record, but the keys: a .decision-proof file.
type DecisionProof struct {
	record          []byte
	position, count int64
	path            []Hash
	entry           *Proof
}

// ParseDecisionProof reads a proof, strictly.
func ParseDecisionProof(bytes []byte) (*DecisionProof, error) {
	head, rest, err := parts(bytes, "assize/decision-proof@v1")
	if err != nil {
		return nil, err
	}
	if len(head) < 2 || !strings.HasPrefix(head[0], "record ") || !strings.HasPrefix(head[1], "place ") {
		return nil, notProven("a proof of a decision has a record and its place")
	}
	proof := &DecisionProof{}
	if proof.record, err = unbase64(strings.TrimPrefix(head[0], "record ")); err != nil {
		return nil, err
	}
	place := strings.Split(strings.TrimPrefix(head[1], "place "), " ")
	if len(place) != 2 {
		return nil, notProven("a place is a position and a count")
	}
	if proof.position, err = decimal(place[0]); err != nil {
		return nil, err
	}
	if proof.count, err = decimal(place[1]); err != nil {
		return nil, err
	}
	if proof.path, err = path(head[2:]); err != nil {
		return nil, err
	}
	proof.entry, err = ParseProof([]byte(rest))
	return proof, err
}

// Verify requires the decision to be on record in a ledger whose checkpoint one of these keys has signed.
func (p *DecisionProof) Verify(keys []Key) (*Record, ProvenEntry, error) {
	if p.entry.Extra == nil {
		return nil, ProvenEntry{}, notProven("the proof comes without the entry that vouches for it")
	}
	entry, err := p.entry.Verify(p.entry.Extra, keys)
	if err != nil {
		return nil, ProvenEntry{}, err
	}
	pack, err := packOf(entry.Frame)
	if err != nil {
		return nil, ProvenEntry{}, err
	}
	if pack == nil || pack.count != p.count {
		return nil, ProvenEntry{}, notProvenAt(entry.Frame.Seq, "entry %d does not vouch for %d decisions", entry.Frame.Seq, p.count)
	}
	record, err := ReadRecord(p.record)
	if err != nil {
		return nil, ProvenEntry{}, at(entry.Frame.Seq, err)
	}
	if record.micros() < pack.first || record.micros() > pack.last {
		return nil, ProvenEntry{}, notProvenAt(entry.Frame.Seq, "the decision was made at another time than entry %d says", entry.Frame.Seq)
	}
	if err := VerifyInclusion(EntryHash(p.record), p.position, p.count, pack.root, p.path); err != nil {
		return nil, ProvenEntry{}, at(entry.Frame.Seq, err)
	}
	return record, entry, nil
}
