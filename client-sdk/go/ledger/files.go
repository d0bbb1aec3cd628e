package ledger

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Bytes of the largest file there can be: that of the values beside 256 entries is below it.
const maxFileBytes = 1 << 26

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
// that could hide something: a header is exactly the one that a plain file of its name and size has, nothing stands between
// the members, and none is there twice.
type tarFile struct {
	content io.ReaderAt
	size    int64
	close   func() error
	members map[string]member
	unread  map[string]bool
}

type member struct{ at, size int64 }

const (
	tarBlock    = 512
	tarEndBytes = 2 * tarBlock
	tarNameEnd  = 100
	tarSizeAt   = 124
	tarSizeEnd  = 136
	tarSumAt    = 148
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

// requireEnd requires two blocks of zeros, and nothing behind them.
func (t *tarFile) requireEnd(position, end int64) error {
	if end-position < tarEndBytes {
		return notProven("the tar file is cut off")
	}
	rest, err := t.bytes(position, tarEndBytes)
	if err != nil {
		return err
	}
	if end-position > tarEndBytes || !isZero(rest) {
		return notProven("something follows the end of the tar file")
	}
	return nil
}

func (t *tarFile) add(header []byte, at, end int64) (member, error) {
	name := strings.TrimRight(string(header[:tarNameEnd]), "\x00")
	digits := strings.TrimSuffix(string(header[tarSizeAt:tarSizeEnd]), "\x00")
	size, err := strconv.ParseInt(digits, 8, 62)
	if err != nil || size < 0 || string(header) != string(tarHeader(name, size)) || !isASCII(name) {
		return member{}, notProven("%q is no plain file, or its header says more than its name and its size", name)
	}
	if size > end-at {
		return member{}, notProven("%q is cut off", name)
	}
	if _, twice := t.members[name]; twice {
		return member{}, notProven("%q is in the tar file twice", name)
	}
	t.members[name], t.unread[name] = member{at, size}, true
	return member{at, size}, nil
}

// tarHeader is the one header of a plain file.
func tarHeader(name string, size int64) []byte {
	header := make([]byte, tarBlock)
	copy(header, name)
	copy(header[tarNameEnd:], fmt.Sprintf("0000644\x000000000\x000000000\x00%011o\x00%011o\x00        0", size, 0))
	copy(header[257:], "ustar\x0000")
	sum := 0
	for _, b := range header {
		sum += int(b)
	}
	copy(header[tarSumAt:], fmt.Sprintf("%06o\x00 ", sum))
	return header
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
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
