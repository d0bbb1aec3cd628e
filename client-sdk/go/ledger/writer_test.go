package ledger

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
)

// writer makes ledgers and bundles of them, so that tests have more than the golden one: in as few lines as will do, and
// straight from the page.
type writer struct {
	t           *testing.T
	signer      ed25519.PrivateKey
	key         Key
	incarnation uint32
	entries     [][]byte
	values      []kept
	decisions   map[int64][]byte
	link        Hash
}

const deployment = "test.example.com/0123456789abcdef0123456789abcdef"

func newWriter(t *testing.T) *writer {
	t.Helper()
	signer := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	typed := append([]byte{keyOfNotes}, signer.Public().(ed25519.PublicKey)...)
	id := hashOf([]byte(deployment+"\n"), typed)
	key, err := ParseKey(fmt.Sprintf("%s+%x+%s", deployment, id[:4], base64.StdEncoding.EncodeToString(typed)))
	if err != nil {
		t.Fatal(err)
	}
	return &writer{
		t: t, signer: signer, key: key, incarnation: 1, decisions: map[int64][]byte{}, link: NewChain(deployment + "/acme").Head(),
	}
}

// append adds an entry with these fields beside those that every one has.
func (w *writer) append(more map[Field][]byte) int64 {
	seq := int64(len(w.entries))
	all := map[Field][]byte{
		FieldOrigin:           []byte(deployment + "/acme"),
		FieldIncarnation:      binary.BigEndian.AppendUint32(nil, w.incarnation),
		FieldSeq:              binary.BigEndian.AppendUint64(nil, uint64(seq)),
		FieldPrevHash:         w.link[:],
		FieldRecordedAt:       binary.BigEndian.AppendUint64(nil, uint64(noon.UnixMicro()+seq)),
		FieldRecordedBy:       []byte("service:test"),
		FieldRecordedByTenant: []byte("acme"),
		FieldType:             []byte("test.done"),
		FieldActor:            []byte("user:alice"),
		FieldAction:           []byte("do"),
		FieldResource:         []byte("thing:1"),
		FieldEnv:              []byte("default"),
		FieldOutcome:          {1},
	}
	maps.Copy(all, more)
	entry := []byte{1}
	for _, field := range slices.Sorted(maps.Keys(all)) {
		entry = append(entry, encoded(uint16(field), all[field])...)
	}
	w.entries = append(w.entries, entry)
	w.link = EntryHash(entry)
	return seq
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func encoded(number uint16, value []byte) []byte {
	header := binary.BigEndian.AppendUint16(nil, number)
	return append(binary.BigEndian.AppendUint32(header, uint32(len(value))), value...)
}

func (w *writer) fill(entries int) {
	for len(w.entries) < entries {
		w.append(nil)
	}
}

// appendErasable adds an entry whose reason is kept beside it.
func (w *writer) appendErasable(reason string) int64 {
	salt := bytes.Repeat([]byte{byte(len(w.values) + 1)}, 32)
	number := binary.BigEndian.AppendUint16(nil, uint16(FieldReason))
	length := binary.BigEndian.AppendUint32(nil, uint32(len(reason)))
	hash := hashOf([]byte{2}, salt, number, length, []byte(reason))
	seq := w.append(map[Field][]byte{FieldCommitments: append(number, hash[:]...)})
	w.values = append(w.values, kept{seq, FieldReason, salt, []byte(reason)})
	return seq
}

// erase takes a value away; with a notice, an entry says so.
func (w *writer) erase(seq int64, notice bool) {
	w.values = slices.DeleteFunc(w.values, func(value kept) bool { return value.seq == seq })
	if notice {
		w.append(map[Field][]byte{
			FieldType:    []byte("assize.ledger.erased"),
			FieldPayload: fmt.Appendf(nil, `{"seq":%d,"fields":["reason"]}`, seq),
		})
	}
}

// record adds an entry that vouches for decisions.
func (w *writer) record(count int) int64 {
	var file []byte
	var leaves []Hash
	for i := range count {
		at := binary.BigEndian.AppendUint64(nil, uint64(noon.UnixMicro()+int64(i)))
		record := []byte{recordVersion}
		for number, value := range [][]byte{
			bytes.Repeat([]byte{byte(i)}, 16), fmt.Appendf(nil, "d-%d", i), at, []byte("service:test"), []byte("acme"),
			[]byte("user:alice"), []byte("acme"), nil, nil, []byte("read"), []byte("doc:1"), []byte("default"), nil, nil, {2}, []byte("NO_GRANT"),
		} {
			if value != nil {
				record = append(record, encoded(uint16(number+1), value)...)
			}
		}
		record = append(record, encoded(24, make([]byte, 8))...)
		record = append(record, encoded(25, make([]byte, 8))...)
		leaves = append(leaves, EntryHash(record))
		file = append(binary.BigEndian.AppendUint16(file, uint16(len(record))), record...)
	}
	seq := w.append(map[Field][]byte{
		FieldType: []byte(recordedDecisions),
		FieldPayload: fmt.Appendf(nil, `{"decisions":%d,"root":"%s","first":%d,"last":%d}`,
			count, rootOf(leaves), noon.UnixMicro(), noon.UnixMicro()+int64(count-1)),
	})
	w.decisions[seq] = file
	return seq
}

func (w *writer) leaves() []Hash {
	var leaves []Hash
	for _, entry := range w.entries {
		leaves = append(leaves, EntryHash(entry))
	}
	return leaves
}

func (w *writer) sign(text string) []byte {
	hash := hashOf([]byte(deployment+"\n"), []byte{keyOfNotes}, w.signer.Public().(ed25519.PublicKey))
	signature := append(hash[:4:4], ed25519.Sign(w.signer, []byte(text))...)
	return []byte(text + "\n" + signatureDash + deployment + " " + base64.StdEncoding.EncodeToString(signature) + "\n")
}

func (w *writer) text(tenant string, incarnation uint32, size int, root Hash) string {
	return fmt.Sprintf("%s/%s/%d\n%d\n%s\n", deployment, tenant, incarnation, size, base64.StdEncoding.EncodeToString(root[:]))
}

// checkpoint is that of the first entries.
func (w *writer) checkpoint(size int) []byte {
	return w.sign(w.text("acme", w.incarnation, size, rootOf(w.leaves()[:size])))
}

// bundle has the files of the whole ledger.
func (w *writer) bundle() map[string][]byte { return w.bundlePart(0, len(w.entries)) }

// bundlePart has the files from one position to before another; where that is not everything, it says so.
func (w *writer) bundlePart(from, to int) map[string][]byte {
	leaves := w.leaves()
	text := w.text("acme", w.incarnation, len(leaves), rootOf(leaves))
	log := w.text(heads, 1, 1, EntryHash([]byte(text)))
	files := map[string][]byte{
		"checkpoint":                 w.sign(text),
		"vkeys":                      []byte(w.key.String() + "\n"),
		"meta-checkpoint.tlog-proof": append([]byte("c2sp.org/tlog-proof@v1\nindex 0\n\n"), w.sign(log)...),
	}
	if from > 0 || to < len(leaves) {
		files["part"] = w.part(from, to, leaves)
	}
	for first := from; first < to; first += tileHashes {
		end := min(to, first+tileHashes)
		var frames, values []byte
		for _, entry := range w.entries[first:end] {
			frames = append(binary.BigEndian.AppendUint16(frames, uint16(len(entry))), entry...)
		}
		files[tileName("entries", int64(first/tileHashes), end-first)] = frames
		for _, value := range w.values {
			if value.seq >= int64(first) && value.seq < int64(end) {
				values = append(values, value.line()...)
			}
		}
		if values != nil {
			files["payload/"+place(int64(first/tileHashes))+".jsonl"] = values
		}
	}
	for seq, records := range w.decisions {
		if seq >= int64(from) && seq < int64(to) {
			files["decisions/"+place(seq)] = records
		}
	}
	w.tiles(files, from, leaves[:to])
	return files
}

// tiles adds those that a bundle has: none that ends before it begins.
func (w *writer) tiles(files map[string][]byte, from int, hashes []Hash) {
	for level := 0; len(hashes) > 0; level++ {
		var above []Hash
		for index := 0; index*tileHashes < len(hashes); index++ {
			row := hashes[index*tileHashes : min(len(hashes), (index+1)*tileHashes)]
			if (index+1)*tileHashes > from {
				files[tileName(fmt.Sprint(level), int64(index), len(row))] = joined(row)
			}
			if len(row) == tileHashes {
				above = append(above, rootOf(row))
			}
		}
		hashes, from = above, from/tileHashes
	}
}

func joined(hashes []Hash) []byte {
	var bytes []byte
	for _, hash := range hashes {
		bytes = append(bytes, hash[:]...)
	}
	return bytes
}

func (w *writer) part(from, to int, leaves []Hash) []byte {
	prev := NewChain(deployment + "/acme").Head()
	if from > 0 {
		prev = leaves[from-1]
	}
	text := fmt.Appendf(nil, "assize ledger part v1\nfrom %d\nto %d\nprev %s\n", from, to, prev)
	for _, hash := range consistency(leaves, to, true) {
		text = fmt.Appendf(text, "proof %s\n", hash)
	}
	return text
}

// consistency is SUBPROOF of RFC 6962, 2.1.2; with `known` where the verifier has the smaller root.
func consistency(leaves []Hash, size int, known bool) []Hash {
	if size == len(leaves) {
		if known {
			return nil
		}
		return []Hash{rootOf(leaves)}
	}
	left := 1
	for left*2 < len(leaves) {
		left *= 2
	}
	if size <= left {
		return append(consistency(leaves[:left], size, known), rootOf(leaves[left:]))
	}
	return append(consistency(leaves[left:], size-left, false), rootOf(leaves[:left]))
}

// tarOf writes a tar file by the table of the page; archive/tar fills other bytes of its headers.
func tarOf(files map[string][]byte) []byte {
	var written bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		header := make([]byte, tarBlock)
		copy(header, name)
		copy(header[100:], "0000644\x000000000\x000000000\x00")
		copy(header[124:], fmt.Sprintf("%011o\x0000000000000\x00", len(files[name])))
		header[156] = '0'
		copy(header[257:], "ustar\x0000")
		fixSum(header)
		written.Write(header)
		written.Write(files[name])
		written.Write(make([]byte, (tarBlock-len(files[name])%tarBlock)%tarBlock))
	}
	written.Write(make([]byte, 2*tarBlock))
	return written.Bytes()
}

// inclusion is PATH of RFC 6962, 2.1.1.
func inclusion(leaves []Hash, index int) []Hash {
	if len(leaves) == 1 {
		return nil
	}
	left := 1
	for left*2 < len(leaves) {
		left *= 2
	}
	if index < left {
		return append(inclusion(leaves[:left], index), rootOf(leaves[left:]))
	}
	return append(inclusion(leaves[left:], index-left), rootOf(leaves[:left]))
}

func base64Lines(path []Hash) string {
	var text string
	for _, hash := range path {
		text += base64.StdEncoding.EncodeToString(hash[:]) + "\n"
	}
	return text
}

// proof is the .tlog-proof of an entry, which comes along.
func (w *writer) proof(seq int) string {
	leaves := w.leaves()
	return fmt.Sprintf("c2sp.org/tlog-proof@v1\nextra %s\nindex %d\n%s\n%s", base64.StdEncoding.EncodeToString(w.entries[seq]),
		seq, base64Lines(inclusion(leaves, seq)), w.checkpoint(len(leaves)))
}

// decisionProof is the .decision-proof of one that an entry vouches for.
func (w *writer) decisionProof(seq int64, position int) string {
	records, whole := pieces(w.decisions[seq])
	if !whole {
		w.t.Fatal("records are torn")
	}
	var leaves []Hash
	for _, record := range records {
		leaves = append(leaves, EntryHash(record))
	}
	return fmt.Sprintf("assize/decision-proof@v1\nrecord %s\nplace %d %d\n%s\n%s", base64.StdEncoding.EncodeToString(records[position]),
		position, len(records), base64Lines(inclusion(leaves, position)), w.proof(int(seq)))
}
