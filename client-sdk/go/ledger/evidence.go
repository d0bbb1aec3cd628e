package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Hash is a SHA-256.
type Hash [sha256.Size]byte

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// NotProvenError says that something was not proven.
type NotProvenError struct {
	// Seq is the first bad position, -1 where it is not one entry that is wrong.
	Seq     int64
	Message string
}

func (e *NotProvenError) Error() string { return "ledger: not proven: " + e.Message }

func notProven(format string, values ...any) error {
	return &NotProvenError{Seq: -1, Message: fmt.Sprintf(format, values...)}
}

func notProvenAt(seq int64, format string, values ...any) error {
	return &NotProvenError{Seq: seq, Message: fmt.Sprintf(format, values...)}
}

// at names the position where an error has none.
func at(seq int64, err error) error {
	if known := (*NotProvenError)(nil); errors.As(err, &known) && known.Seq < 0 {
		return notProvenAt(seq, "entry %d: %s", seq, known.Message)
	}
	return err
}

// EntryHash is the hash of an entry, and the leaf of the tree over the entries.
func EntryHash(frame []byte) Hash { return hashOf([]byte{0}, frame) }

func hashOf(parts ...[]byte) Hash {
	digest := sha256.New()
	for _, part := range parts {
		digest.Write(part)
	}
	return Hash(digest.Sum(nil))
}

// decimal reads ASCII digits without leading zeroes, up to 2^63-1.
func decimal(text string) (int64, error) {
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(number, 10) != text || number < 0 {
		return 0, notProven("%q is no number", text)
	}
	return number, nil
}

// unbase64 reads the standard alphabet with padding, and no bits or line ends that say nothing.
func unbase64(text string) ([]byte, error) {
	decoded, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, notProven("%q is not base64 as it is written", text)
	}
	return decoded, nil
}

func hashFromBase64(text string) (Hash, error) {
	decoded, err := unbase64(text)
	if err != nil || len(decoded) != sha256.Size {
		return Hash{}, notProven("%q is no hash", text)
	}
	return Hash(decoded), nil
}

// unhex reads a hash in lower case.
func unhex(text string) (Hash, error) {
	decoded, err := hex.DecodeString(text)
	if err != nil || len(decoded) != sha256.Size || strings.ToLower(text) != text {
		return Hash{}, notProven("%q is no hash", text)
	}
	return Hash(decoded), nil
}

// lines are those of a text that ends its last.
func lines(text string) ([]string, error) {
	if !strings.HasSuffix(text, "\n") {
		return nil, notProven("the last line is not ended")
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n"), nil
}

func requireUTF8(bytes []byte) error {
	if !utf8.Valid(bytes) {
		return notProven("not UTF-8")
	}
	return nil
}

// field is one of a frame or of a record.
type field struct {
	number uint16
	value  []byte
}

// fields reads u16 number || u32 length || value, in strictly ascending order of the numbers, to the end.
func fields(rest []byte) ([]field, error) {
	var read []field
	for previous := -1; len(rest) > 0; {
		if len(rest) < 6 {
			return nil, notProven("a field does not end")
		}
		number, length := binary.BigEndian.Uint16(rest), binary.BigEndian.Uint32(rest[2:])
		rest = rest[6:]
		if int(number) <= previous {
			return nil, notProven("field %d follows field %d", number, previous)
		}
		if uint64(length) > uint64(len(rest)) {
			return nil, notProven("field %d is longer than what is there", number)
		}
		read = append(read, field{number, rest[:length]})
		rest, previous = rest[length:], int(number)
	}
	return read, nil
}

// texts reads a list that is not empty, of u32 length || UTF-8.
func texts(rest []byte) ([]string, error) {
	if len(rest) == 0 {
		return nil, notProven("a list that is present is not empty")
	}
	var read []string
	for len(rest) > 0 {
		if len(rest) < 4 || uint64(binary.BigEndian.Uint32(rest)) > uint64(len(rest)-4) {
			return nil, notProven("a list is torn")
		}
		end := 4 + int(binary.BigEndian.Uint32(rest))
		if err := requireUTF8(rest[4:end]); err != nil {
			return nil, err
		}
		read = append(read, string(rest[4:end]))
		rest = rest[end:]
	}
	return read, nil
}

// pieces reads u16 length || bytes, to the end; false where the last one is torn.
func pieces(rest []byte) ([][]byte, bool) {
	var read [][]byte
	for len(rest) > 0 {
		if len(rest) < 2 || int(binary.BigEndian.Uint16(rest)) > len(rest)-2 {
			return read, false
		}
		end := 2 + int(binary.BigEndian.Uint16(rest))
		read = append(read, bytes.Clone(rest[2:end]))
		rest = rest[end:]
	}
	return read, true
}

// form is how a value is written.
type form int

const (
	formText form = iota
	formTexts
	formTime        // i64
	formPosition    // u64, to 2^63-1
	formIncarnation // u32, from 1 to 2^31-1
	formIndex       // u32, to 2^31-1
	formHash
	formSalt    // 16 bytes
	formOutcome // u8, 1 to 4
	formChoice  // u8, 1 or 2
	formFlag    // u8, 1
	formCommitments
)

func (f form) require(value []byte) error {
	switch f {
	case formText:
		return requireUTF8(value)
	case formTexts:
		_, err := texts(value)
		return err
	case formCommitments:
		_, err := commitments(value)
		return err
	case formHash:
		return requireLength(value, sha256.Size)
	case formSalt:
		return requireLength(value, 16)
	case formTime:
		return requireLength(value, 8)
	case formPosition:
		return requireNumber(value, 8, 0, 1<<63-1)
	case formIncarnation:
		return requireNumber(value, 4, 1, 1<<31-1)
	case formIndex:
		return requireNumber(value, 4, 0, 1<<31-1)
	case formOutcome:
		return requireNumber(value, 1, 1, 4)
	case formChoice:
		return requireNumber(value, 1, 1, 2)
	case formFlag:
		return requireNumber(value, 1, 1, 1)
	}
	return notProven("no such form")
}

func requireLength(value []byte, length int) error {
	if len(value) != length {
		return notProven("%d bytes, not %d", len(value), length)
	}
	return nil
}

func requireNumber(value []byte, length int, least, most uint64) error {
	if err := requireLength(value, length); err != nil {
		return err
	}
	if number := unsigned(value); number < least || number > most {
		return notProven("%d is not from %d to %d", number, least, most)
	}
	return nil
}

// unsigned reads a big-endian number of up to 8 bytes.
func unsigned(value []byte) uint64 {
	number := uint64(0)
	for _, b := range value {
		number = number<<8 | uint64(b)
	}
	return number
}
