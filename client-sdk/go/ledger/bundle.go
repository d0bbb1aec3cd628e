package ledger

import (
	"fmt"
	"regexp"
	"strings"
)

// Report is what a bundle was proven to be.
type Report struct {
	Name       Name
	Checkpoint Checkpoint

	// The bundle has the entries from From to before To: all of the checkpoint's, unless it is a part.
	From, To int64

	// Head is the hash of the last entry; of an empty ledger, what its first must contain.
	Head Hash

	// Redacted counts entries of which values were erased, as others say.
	Redacted int

	// Missing counts entries of a part of which values are gone, as entries behind the part would have to say.
	Missing int
}

// IsPart tells whether something of the ledger up to the checkpoint is elsewhere.
func (r Report) IsPart() bool { return r.From > 0 || r.To < r.Checkpoint.Size }

// VerifyBundle verifies a proof bundle: the tar file that `assize audit export --format bundle` writes, or the directory
// it was unpacked into. The keys come from elsewhere than the bundle: with those in it, it is whole, but anyone could
// have made it. With a checkpoint that was kept, a signed note, it also verifies that the ledger continues that.
//
// The error is a *NotProvenError, or that of a file that cannot be read.
func VerifyBundle(path string, keys []Key, kept []byte) (Report, error) {
	from, err := openFiles(path)
	if err != nil {
		return Report{}, err
	}
	defer from.Close()
	return verifyFiles(from, keys, kept)
}

func verifyFiles(from files, keys []Key, kept []byte) (Report, error) {
	bundle, err := openBundle(from, keys)
	if err != nil {
		return Report{}, err
	}
	if kept != nil {
		if err := bundle.keep(kept, keys); err != nil {
			return Report{}, err
		}
	}
	if err := bundle.verify(); err != nil {
		return Report{}, err
	}
	if others := from.others(); len(others) > 0 {
		return Report{}, notProven("%q is no part of the bundle", others[0])
	}
	return bundle.report(), nil
}

// bundle is one that is being verified.
type bundle struct {
	files      files
	name       Name
	checkpoint Checkpoint
	part       *part // nil where it is whole
	from, to   int64

	chain  *Chain
	tree   tileTree
	values *values
	past   *past // nil where no checkpoint was kept
}

// past is a checkpoint that was kept, to hold the tree to when it has that size.
type past struct {
	checkpoint  Checkpoint
	incarnation uint32
	continuedAt int64 // where the first later incarnation begins; -1 while none has
}

// openBundle verifies the checkpoint, and that it is in the log of heads.
func openBundle(from files, keys []Key) (*bundle, error) {
	signed, err := required(from, "checkpoint")
	if err != nil {
		return nil, err
	}
	checkpoint, name, err := VerifyCheckpoint(signed, keys)
	if err != nil {
		return nil, err
	}
	if err := verifyPlace(from, signed, name, keys); err != nil {
		return nil, err
	}
	said, err := required(from, "vkeys")
	if err != nil {
		return nil, err
	}
	if _, err := ParseKeys(string(said)); err != nil {
		return nil, err
	}
	b := &bundle{
		files: from, name: name, checkpoint: checkpoint, to: checkpoint.Size,
		chain: NewChain(name.Origin()), values: newValues(0),
	}
	text, err := from.read("part")
	if err != nil || text == nil {
		return b, err
	}
	return b, b.begin(text)
}

// verifyPlace verifies that the text of the checkpoint is a leaf of the deployment's log of heads.
func verifyPlace(from files, signed []byte, name Name, keys []Key) error {
	encoded, err := required(from, "meta-checkpoint.tlog-proof")
	if err != nil {
		return err
	}
	proof, err := ParseProof(encoded)
	if err != nil {
		return err
	}
	if proof.Extra != nil {
		return notProven("the place in the log of heads comes with nothing else")
	}
	log, logName, err := verifyLog(proof.checkpoint, keys, func(tenant string) bool { return tenant == heads })
	if err != nil {
		return err
	}
	if logName.Deployment != name.Deployment {
		return notProven("%q is the log of heads of another deployment", log.Origin)
	}
	note, err := ParseNote(signed)
	if err != nil {
		return err
	}
	return VerifyInclusion(EntryHash([]byte(note.text)), proof.Index, log.Size, log.Root, proof.path)
}

// part says which entries of a ledger a bundle has, and what ties them to its checkpoint.
type part struct {
	from, to int64
	prev     Hash
	proof    []Hash
}

var partForm = regexp.MustCompile(
	`^assize ledger part v1\nfrom ([0-9]+)\nto ([0-9]+)\nprev ([0-9a-f]{64})\n((?:proof [0-9a-f]{64}\n)*)$`)

func parsePart(text []byte) (*part, error) {
	said := partForm.FindSubmatch(text)
	if said == nil {
		return nil, notProven("it does not say which part of the ledger it is")
	}
	p := &part{}
	var wrong [3]error
	p.from, wrong[0] = decimal(string(said[1]))
	p.to, wrong[1] = decimal(string(said[2]))
	p.prev, wrong[2] = unhex(string(said[3]))
	if wrong != [3]error{} || p.from >= p.to || p.from%tileHashes != 0 {
		return nil, notProven("no part of a ledger goes from %s to %s", said[1], said[2])
	}
	for _, line := range strings.Fields(strings.ReplaceAll(string(said[4]), "proof ", "")) {
		hash, err := unhex(line)
		if err != nil {
			return nil, err
		}
		p.proof = append(p.proof, hash)
	}
	return p, nil
}

// begin takes the tree up to a part from the tiles, which are worth as much as the root that they lead to.
func (b *bundle) begin(text []byte) error {
	part, err := parsePart(text)
	if err != nil {
		return err
	}
	if part.to > b.checkpoint.Size {
		return notProven("the part ends behind its checkpoint, which is of %d entries", b.checkpoint.Size)
	}
	b.part, b.from, b.to = part, part.from, part.to
	b.values = newValues(part.from)
	if part.from > 0 {
		b.chain = ChainBehind(b.name.Origin(), part.from-1, part.prev)
	} else if part.prev != b.chain.Head() {
		return notProven("the part does not begin where the ledger does")
	}
	b.tree.size = part.from
	for level := range tileLevels {
		before := part.from >> (8 * level)
		width := int(before % tileHashes)
		if width == 0 {
			continue
		}
		tile, err := b.tile(level, before/tileHashes)
		if err != nil {
			return err
		}
		b.tree.rows[level] = append([]Hash(nil), tile[:width]...)
	}
	return nil
}

// keep takes a checkpoint that was kept.
func (b *bundle) keep(note []byte, keys []Key) error {
	checkpoint, name, err := VerifyCheckpoint(note, keys)
	switch {
	case err != nil:
		return err
	case name.Origin() != b.name.Origin():
		return notProven("the checkpoint that was kept is of %q, not of %q", name.Origin(), b.name.Origin())
	case name.Incarnation > b.name.Incarnation:
		return notProven("the checkpoint that was kept is of incarnation %d, and the ledger here of %d",
			name.Incarnation, b.name.Incarnation)
	case checkpoint.Size > 0 && (checkpoint.Size < b.from || checkpoint.Size > b.to && b.to < b.checkpoint.Size):
		return notProven("the checkpoint that was kept is of %d entries, and here are those from %d to before %d",
			checkpoint.Size, b.from, b.to)
	}
	b.past = &past{checkpoint, name.Incarnation, -1}
	return b.holdRoot()
}

// verify reads everything, and compares it with the checkpoint.
func (b *bundle) verify() error {
	for b.tree.size < b.to {
		if err := b.takeBundle(b.tree.size); err != nil {
			return err
		}
	}
	for level, row := range b.tree.rows {
		if len(row) > 0 {
			if err := b.compare(level, (b.to>>(8*level))/tileHashes, row); err != nil {
				return err
			}
		}
	}
	return b.end()
}

// takeBundle takes 256 entries, or as many as there are, with what stands beside them. Positions are multiples of 256.
func (b *bundle) takeBundle(first int64) error {
	end := min(b.to, first+tileHashes)
	name := tileName("entries", first/tileHashes, int(end-first))
	file, err := required(b.files, name)
	if err != nil {
		return at(first, err)
	}
	entries, whole := pieces(file)
	if !whole || int64(len(entries)) != end-first {
		return notProvenAt(first+min(int64(len(entries)), end-first), "%q has not %d entries", name, end-first)
	}
	claimed, err := b.tile(0, first/tileHashes)
	if err != nil {
		return at(first, err)
	}
	beside, err := b.valuesBeside(first, end)
	if err != nil {
		return err
	}
	for i, entry := range entries {
		seq := first + int64(i)
		if EntryHash(entry) != claimed[i] {
			return notProvenAt(seq, "entry %d has another hash than its tile says", seq)
		}
		if err := b.take(seq, entry, beside[seq]); err != nil {
			return err
		}
	}
	return nil
}

func (b *bundle) valuesBeside(first, end int64) (map[int64][]kept, error) {
	file, err := b.files.read("payload/" + place(first/tileHashes) + ".jsonl")
	if err != nil || file == nil {
		return nil, err
	}
	values, err := readKept(file, first, end)
	return values, at(first, err)
}

// take takes the next entry.
func (b *bundle) take(seq int64, entry []byte, beside []kept) error {
	frame, err := b.chain.Take(entry)
	if err != nil {
		return err
	}
	if frame.Incarnation > b.name.Incarnation {
		return notProvenAt(seq, "entry %d is of incarnation %d, and the checkpoint of %d", seq, frame.Incarnation, b.name.Incarnation)
	}
	if err := b.values.take(frame, beside); err != nil {
		return err
	}
	if err := b.takeDecisions(frame); err != nil {
		return err
	}
	if err := b.tree.add(EntryHash(entry), b.compare); err != nil {
		return err
	}
	return b.holdToPast(frame)
}

func (b *bundle) takeDecisions(frame *Frame) error {
	pack, err := packOf(frame)
	if err != nil || pack == nil {
		return err
	}
	file, err := required(b.files, "decisions/"+place(frame.Seq))
	if err != nil {
		return at(frame.Seq, err)
	}
	return pack.requireFile(file)
}

// holdToPast compares the tree with the checkpoint that was kept, once it has that size.
func (b *bundle) holdToPast(frame *Frame) error {
	if b.past == nil {
		return nil
	}
	if b.past.continuedAt < 0 && frame.Incarnation > b.past.incarnation {
		b.past.continuedAt = frame.Seq
	}
	return b.holdRoot()
}

func (b *bundle) holdRoot() error {
	if b.tree.size == b.past.checkpoint.Size && b.tree.root() != b.past.checkpoint.Root {
		return b.contradiction()
	}
	return nil
}

func (b *bundle) contradiction() error {
	if from := b.past.continuedAt; from >= 0 {
		return notProvenAt(from, "entries from %d to %d were signed and are lost: a later incarnation goes on in their place",
			from, b.past.checkpoint.Size-1)
	}
	return notProven("the first %d entries are not those that were signed with the checkpoint that was kept", b.past.checkpoint.Size)
}

func (b *bundle) end() error {
	if b.part == nil {
		if b.tree.root() != b.checkpoint.Root {
			return notProven("the entries have another root than the checkpoint")
		}
	} else if err := VerifyConsistency(b.to, b.tree.root(), b.checkpoint.Size, b.checkpoint.Root, b.part.proof); err != nil {
		return err
	}
	if b.to < b.checkpoint.Size {
		return nil
	}
	if b.to > b.from && b.chain.incarnation != b.name.Incarnation {
		return notProvenAt(b.to-1, "the last entry is of incarnation %d, and the checkpoint of %d", b.chain.incarnation, b.name.Incarnation)
	}
	if err := b.values.end(); err != nil {
		return err
	}
	return b.holdEnd()
}

// holdEnd requires the checkpoint that was kept not to have more entries than there are.
func (b *bundle) holdEnd() error {
	switch {
	case b.past == nil || b.past.checkpoint.Size <= b.checkpoint.Size:
		return nil
	case b.past.continuedAt >= 0:
		return b.contradiction()
	}
	return notProvenAt(b.checkpoint.Size,
		"the checkpoint that was kept is of %d entries, and here are %d: an older bundle, or a ledger that was cut off",
		b.past.checkpoint.Size, b.checkpoint.Size)
}

func (b *bundle) report() Report {
	return Report{
		Name: b.name, Checkpoint: b.checkpoint, From: b.from, To: b.to, Head: b.chain.Head(),
		Redacted: len(b.values.redacted), Missing: len(b.values.missing),
	}
}

// tile reads all hashes of a tile as it is at the end of the bundle.
func (b *bundle) tile(level int, index int64) ([]Hash, error) {
	width := int(min(tileHashes, b.to>>(8*level)-index*tileHashes))
	name := tileName(fmt.Sprint(level), index, width)
	file, err := required(b.files, name)
	if err != nil {
		return nil, err
	}
	if len(file) != width*len(Hash{}) {
		return nil, notProven("%q has %d bytes, not %d hashes", name, len(file), width)
	}
	hashes := make([]Hash, width)
	for i := range hashes {
		hashes[i] = Hash(file[i*len(Hash{}):])
	}
	return hashes, nil
}

func (b *bundle) compare(level int, index int64, hashes []Hash) error {
	tile, err := b.tile(level, index)
	if err != nil {
		return err
	}
	for i, hash := range hashes {
		if len(tile) != len(hashes) || tile[i] != hash {
			return notProven("tile %d of level %d is not that of the entries", index, level)
		}
	}
	return nil
}

func tileName(kind string, index int64, width int) string {
	name := "tile/" + kind + "/" + place(index)
	if width < tileHashes {
		name += fmt.Sprintf(".p/%d", width)
	}
	return name
}

// place is a number in groups of three digits, all but the last marked: x001/x234/067.
func place(number int64) string {
	name := fmt.Sprintf("%03d", number%1000)
	for number /= 1000; number > 0; number /= 1000 {
		name = fmt.Sprintf("x%03d/%s", number%1000, name)
	}
	return name
}
