package ledger

import (
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Notes are read here and not by golang.org/x/mod/sumdb/note, which takes base64 with bits that say nothing: in what is
// verified here each byte counts.

const (
	maxNoteBytes  = 1_000_000
	maxSignatures = 100
)

const (
	keyOfNotes      = 0x01
	keyOfCosigners  = 0x04
	signatureDash   = "\u2014 "
	cosignatureHead = "cosignature/v1\ntime %d\n"
	latestSeconds   = 253_402_300_799 // the end of the year 9999
)

// Key is a public key that signs notes, as it is handed around: <name>+<id>+<key>. Get it from elsewhere than the server
// whose ledger it is to verify.
type Key struct {
	name   string
	id     uint32
	kind   byte
	public ed25519.PublicKey
	text   string
}

// ParseKey reads a key; its id must be that of its name and key.
func ParseKey(text string) (Key, error) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 || !isName(parts[0]) {
		return Key{}, notProven("%q is no key: expected <name>+<id>+<key>", text)
	}
	typed, err := unbase64(parts[2])
	if err != nil || len(typed) != 1+ed25519.PublicKeySize || typed[0] != keyOfNotes && typed[0] != keyOfCosigners {
		return Key{}, notProven("%q is no Ed25519 key that signs notes or cosigns them", text)
	}
	hash := hashOf([]byte(parts[0]+"\n"), typed)
	if hex.EncodeToString(hash[:4]) != parts[1] {
		return Key{}, notProven("%q has the id %s", text, hex.EncodeToString(hash[:4]))
	}
	return Key{parts[0], binary.BigEndian.Uint32(hash[:]), typed[0], typed[1:], text}, nil
}

// ParseKeys reads keys, one a line.
func ParseKeys(text string) ([]Key, error) {
	listed, err := lines(text)
	if err != nil {
		return nil, err
	}
	var keys []Key
	for _, line := range listed {
		key, err := ParseKey(line)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(keys, func(other Key) bool { return other.text == key.text }) {
			return nil, notProven("a key is listed twice")
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// Name is who signs.
func (k Key) Name() string { return k.name }

// IsWitness tells whether it is one that has seen a checkpoint, and not the log's own.
func (k Key) IsWitness() bool { return k.kind == keyOfCosigners }

func (k Key) String() string { return k.text }

func isName(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool {
		return r == '+' || unicode.IsSpace(r) || unicode.IsControl(r)
	})
}

// Note is a text with signatures under it. The text says nothing until it is verified.
type Note struct {
	text       string
	signatures []signature
}

type signature struct {
	name  string
	id    uint32
	bytes []byte
}

// ParseNote reads a note, strictly.
func ParseNote(bytes []byte) (*Note, error) {
	if len(bytes) > maxNoteBytes {
		return nil, notProven("a note has at most %d bytes", maxNoteBytes)
	}
	if err := requireUTF8(bytes); err != nil {
		return nil, err
	}
	note := string(bytes)
	if strings.ContainsFunc(note, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
		return nil, notProven("a note has no control characters")
	}
	end := strings.LastIndex(note, "\n\n")
	if end < 1 {
		return nil, notProven("a note has a text, and an empty line before its signatures")
	}
	signed, err := lines(note[end+2:])
	if err != nil || len(signed) > maxSignatures {
		return nil, notProven("a note has from 1 to %d signatures, and ends its last line", maxSignatures)
	}
	read := &Note{text: note[:end+1]}
	for _, line := range signed {
		one, err := parseSignature(line)
		if err != nil {
			return nil, err
		}
		read.signatures = append(read.signatures, one)
	}
	return read, nil
}

func parseSignature(line string) (signature, error) {
	rest, dashed := strings.CutPrefix(line, signatureDash)
	name, encoded, divided := strings.Cut(rest, " ")
	if !dashed || !divided || !isName(name) {
		return signature{}, notProven("%q is no signature", line)
	}
	bytes, err := unbase64(encoded)
	if err != nil || len(bytes) <= 4 {
		return signature{}, notProven("%q is no signature", line)
	}
	return signature{name, binary.BigEndian.Uint32(bytes), bytes[4:]}, nil
}

// Text is what was signed. Trust it only behind Verify.
func (n *Note) Text() string { return n.text }

// Signed is a signature that holds.
type Signed struct {
	By   Key
	Time time.Time // when, where the signature says so
}

// Verify answers the signatures of known keys. It refuses a note that none has signed, and one that has a false signature
// under the name and id of any; signatures of other keys are passed over.
func (n *Note) Verify(keys []Key) ([]Signed, error) {
	var signed []Signed
	for _, signature := range n.signatures {
		for _, key := range keys {
			if key.name != signature.name || key.id != signature.id {
				continue
			}
			moment, err := key.verify(n.text, signature.bytes)
			if err != nil {
				return nil, err
			}
			signed = append(signed, Signed{key, moment})
		}
	}
	if len(signed) == 0 {
		return nil, notProven("no signature of a known key")
	}
	return signed, nil
}

func (k Key) verify(text string, signature []byte) (time.Time, error) {
	if k.kind == keyOfNotes {
		if !ed25519.Verify(k.public, []byte(text), signature) {
			return time.Time{}, notProven("the signature of %q is false", k.name)
		}
		return time.Time{}, nil
	}
	if len(signature) != 8+ed25519.SignatureSize {
		return time.Time{}, notProven("the signature of %q is none of a witness", k.name)
	}
	seconds := binary.BigEndian.Uint64(signature)
	message := fmt.Sprintf(cosignatureHead, seconds) + text
	if seconds > latestSeconds || !ed25519.Verify(k.public, []byte(message), signature[8:]) {
		return time.Time{}, notProven("the signature of %q is false", k.name)
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}

// Checkpoint is what a log was at some size.
type Checkpoint struct {
	Origin string // the line that names the log
	Size   int64
	Root   Hash
}

// parseCheckpoint reads the text of a note.
func parseCheckpoint(text string) (Checkpoint, error) {
	read, err := lines(text)
	if err != nil {
		return Checkpoint{}, err
	}
	if len(read) != 3 {
		return Checkpoint{}, notProven("a checkpoint has three lines: an origin, a size and a root")
	}
	size, err := decimal(read[1])
	if err != nil {
		return Checkpoint{}, err
	}
	root, err := hashFromBase64(read[2])
	if err != nil {
		return Checkpoint{}, err
	}
	if size == 0 && root != emptyRoot {
		return Checkpoint{}, notProven("a checkpoint of size 0 has the root of the empty tree")
	}
	return Checkpoint{read[0], size, root}, nil
}

// The log of heads has this in place of a tenant's name.
const heads = "~meta"

// Name says which ledger a checkpoint is of: the parts of its origin line.
type Name struct {
	Deployment  string // <ledger name>/<deployment>: the name of its keys, too
	Tenant      string
	Incarnation uint32
}

// Origin is what the frames of the ledger have, in every incarnation.
func (n Name) Origin() string { return n.Deployment + "/" + n.Tenant }

var nameForm = regexp.MustCompile(
	`^([A-Za-z0-9][A-Za-z0-9.-]{0,127}/[0-9a-f]{32})/(~meta|[A-Za-z0-9][A-Za-z0-9._-]{0,62})/([0-9]+)$`)

func parseName(line string) (Name, error) {
	parts := nameForm.FindStringSubmatch(line)
	if parts == nil {
		return Name{}, notProven("%q names no ledger: expected <name>/<deployment>/<tenant>/<incarnation>", line)
	}
	incarnation, err := decimal(parts[3])
	if err != nil || incarnation < 1 || incarnation > math.MaxInt32 {
		return Name{}, notProven("%q has no such incarnation", line)
	}
	return Name{parts[1], parts[2], uint32(incarnation)}, nil
}

// VerifyCheckpoint reads a ledger's checkpoint, which one of these keys has signed that is of the ledger's deployment.
func VerifyCheckpoint(note []byte, keys []Key) (Checkpoint, Name, error) {
	parsed, err := ParseNote(note)
	if err != nil {
		return Checkpoint{}, Name{}, err
	}
	return verifyLog(parsed, keys, func(tenant string) bool { return tenant != heads })
}

func verifyLog(note *Note, keys []Key, isWanted func(tenant string) bool) (Checkpoint, Name, error) {
	signed, err := note.Verify(keys)
	if err != nil {
		return Checkpoint{}, Name{}, err
	}
	checkpoint, err := parseCheckpoint(note.text)
	if err != nil {
		return Checkpoint{}, Name{}, err
	}
	name, err := parseName(checkpoint.Origin)
	if err != nil {
		return Checkpoint{}, Name{}, err
	}
	if !isWanted(name.Tenant) {
		return Checkpoint{}, Name{}, notProven("%q is the checkpoint of another kind of log", checkpoint.Origin)
	}
	own := func(one Signed) bool { return !one.By.IsWitness() && one.By.name == name.Deployment }
	if !slices.ContainsFunc(signed, own) {
		return Checkpoint{}, Name{}, notProven("none of the keys of %q has signed", name.Deployment)
	}
	return checkpoint, name, nil
}
