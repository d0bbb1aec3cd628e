package ledger

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Bytes of the largest file there can be: 256 entries, each with its length.
const maxFileBytes = tileHashes * (MaxFrameBytes + 2)

// files are those of a ledger, in a tar file or in the directory it was unpacked into.
type files interface {
	// read answers nil where there is no such file.
	read(name string) ([]byte, error)
	// others are files that nobody has asked for.
	others() []string
	io.Closer
}

func openFiles(path string) (files, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return directory(path), nil
	}
	return openTar(path)
}

func required(from files, name string) ([]byte, error) {
	content, err := from.read(name)
	if err == nil && content == nil {
		return nil, notProven("%q is missing", name)
	}
	return content, err
}

type directory string

func (d directory) read(name string) ([]byte, error) {
	file := filepath.Join(string(d), filepath.FromSlash(name))
	info, err := os.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, notProven("%q is no plain file", name)
	case info.Size() > maxFileBytes:
		return nil, notProven("%q is larger than any file of a ledger", name)
	}
	content, err := os.ReadFile(file)
	if content == nil {
		content = []byte{}
	}
	return content, err
}

func (d directory) others() []string { return nil }

func (d directory) Close() error { return nil }

// tarFile is a tar file (POSIX ustar), read where it lies. It is read here and not by archive/tar, which overlooks much
// that could hide something: links, extended headers, bytes between the members, one name twice, words where tar has
// nothing to say.
type tarFile struct {
	content io.ReaderAt
	size    int64
	close   func() error
	members map[string]member
	unread  map[string]bool
}

type member struct{ at, size int64 }

const (
	tarBlock   = 512
	tarSumAt   = 148
	tarTypeAt  = 156
	tarSizeAt  = 124
	tarNameEnd = 100
)

func openTar(path string) (*tarFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	tar, err := readTar(file, info.Size())
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	tar.close = file.Close
	return tar, nil
}

func readTar(content io.ReaderAt, size int64) (*tarFile, error) {
	tar := &tarFile{
		content: content, size: size, close: func() error { return nil },
		members: map[string]member{}, unread: map[string]bool{},
	}
	return tar, tar.index()
}

func (t *tarFile) read(name string) ([]byte, error) {
	found, has := t.members[name]
	if !has {
		return nil, nil
	}
	if found.size > maxFileBytes {
		return nil, notProven("%q is larger than any file of a ledger", name)
	}
	delete(t.unread, name)
	return t.bytes(found.at, found.size)
}

func (t *tarFile) others() []string {
	var names []string
	for name := range t.unread {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (t *tarFile) Close() error { return t.close() }

func (t *tarFile) index() error {
	end := t.size
	if end == 0 || end%tarBlock != 0 {
		return notProven("not a tar file: it has no whole number of blocks")
	}
	for position := int64(0); ; {
		header, err := t.bytes(position, tarBlock)
		if err != nil {
			return err
		}
		if isZero(header) {
			return t.requireEnd(position, end)
		}
		added, err := t.add(header, position+tarBlock, end)
		if err != nil {
			return err
		}
		position = (added.at + added.size + tarBlock - 1) / tarBlock * tarBlock
		between, err := t.bytes(added.at+added.size, position-added.at-added.size)
		if err != nil {
			return err
		}
		if !isZero(between) {
			return notProven("something stands between the members of the tar file")
		}
	}
}

// requireEnd requires two empty blocks at least, and nothing but such.
func (t *tarFile) requireEnd(position, end int64) error {
	if end-position < 2*tarBlock {
		return notProven("the tar file is cut off")
	}
	for ; position < end; position += tarBlock {
		block, err := t.bytes(position, tarBlock)
		if err != nil {
			return err
		}
		if !isZero(block) {
			return notProven("something follows the end of the tar file")
		}
	}
	return nil
}

func (t *tarFile) add(header []byte, at, end int64) (member, error) {
	if err := requireSum(header); err != nil {
		return member{}, err
	}
	if err := requireNothingElse(header); err != nil {
		return member{}, err
	}
	name, err := tarName(header)
	if err != nil {
		return member{}, err
	}
	size, err := octal(header[tarSizeAt : tarSizeAt+12])
	if err != nil {
		return member{}, err
	}
	if size > end-at {
		return member{}, notProven("%q is cut off", name)
	}
	switch kind := header[tarTypeAt]; {
	case kind == '5' && size == 0:
	case kind == '0' || kind == 0:
		name = strings.TrimPrefix(name, "./")
		if _, twice := t.members[name]; twice {
			return member{}, notProven("%q is in the tar file twice", name)
		}
		t.members[name], t.unread[name] = member{at, size}, true
	default:
		return member{}, notProven("%q is neither a file nor an empty directory", name)
	}
	return member{at, size}, nil
}

// requireSum compares the sum of all bytes of a header, its own taken as spaces: six digits, zero, space.
func requireSum(header []byte) error {
	sum := int64(8 * ' ')
	for i, b := range header {
		if i < tarSumAt || i >= tarSumAt+8 {
			sum += int64(b)
		}
	}
	said, err := octal(header[tarSumAt : tarSumAt+7])
	if err != nil || said != sum || header[tarSumAt+6] != 0 || header[tarSumAt+7] != ' ' {
		return notProven("not a tar file, or a damaged one")
	}
	return nil
}

// requireNothingElse looks at what says nothing of a plain file: mode, owner and time are numbers and names, the rest is
// zeros.
func requireNothingElse(header []byte) error {
	if string(header[257:265]) != "ustar\x0000" {
		return notProven("a member of the tar file is not POSIX ustar")
	}
	for _, number := range [][]byte{header[100:108], header[108:116], header[116:124], header[136:148]} {
		if _, err := octal(number); err != nil {
			return err
		}
	}
	for _, owner := range [][]byte{header[265:297], header[297:329]} {
		name, err := zeroEnded(owner)
		if err != nil {
			return err
		}
		if strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII }) {
			return notProven("an owner in the tar file is not ASCII")
		}
	}
	for _, device := range [][]byte{header[329:337], header[337:345]} {
		if strings.Trim(string(device), "0 \x00") != "" {
			return notProven("a member of the tar file is a device")
		}
	}
	if !isZero(header[157:257]) || !isZero(header[500:tarBlock]) {
		return notProven("a member of the tar file is a link, or its header says more than tar has to say")
	}
	return nil
}

func tarName(header []byte) (string, error) {
	name, err := zeroEnded(header[:tarNameEnd])
	if err != nil {
		return "", err
	}
	prefix, err := zeroEnded(header[345:500])
	if err != nil || prefix == "" {
		return name, err
	}
	return prefix + "/" + name, nil
}

func zeroEnded(value []byte) (string, error) {
	text := strings.TrimRight(string(value), "\x00")
	if strings.Contains(text, "\x00") {
		return "", notProven("a name in the tar file goes on behind its end")
	}
	return text, nil
}

// octal reads digits, ended by a zero or a space.
func octal(value []byte) (int64, error) {
	digits, last := string(value[:len(value)-1]), value[len(value)-1]
	number, err := strconv.ParseUint(digits, 8, 62)
	if err != nil || last != 0 && last != ' ' {
		return 0, notProven("a number in the tar file is none")
	}
	return int64(number), nil
}

func (t *tarFile) bytes(at, length int64) ([]byte, error) {
	read := make([]byte, length)
	if _, err := t.content.ReadAt(read, at); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, notProven("the tar file is cut off")
		}
		return nil, err
	}
	return read, nil
}

func isZero(bytes []byte) bool {
	return !slices.ContainsFunc(bytes, func(b byte) bool { return b != 0 })
}
