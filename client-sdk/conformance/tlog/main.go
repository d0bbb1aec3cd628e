// Command tlog has a bundle of a ledger read by Tessera, which knows nothing of Assize: the signed checkpoint, the tiles and
// the entries are those of C2SP tlog-tiles. It rebuilds the tree from the entries, compares every tile and the root, and
// proves each entry from the tiles alone.
//
//	tlog KEY BUNDLE
//
// KEY is the verifier key of the deployment. It exits with 0 where everything fits, with 3 where something does not, and
// with 2 where it was asked the wrong way.
package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"k8s.io/klog/v2"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "tlog KEY BUNDLE")
		os.Exit(2)
	}
	size, err := check(context.Background(), os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	fmt.Printf("%d entries\n", size)
}

// check answers how many entries the bundle proves to be those of its checkpoint.
func check(ctx context.Context, key, path string) (uint64, error) {
	quiet()
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return 0, err
	}
	files, err := read(path)
	if err != nil {
		return 0, err
	}
	// Which ledger it is of stands in its first line; that the key's holder says so is what is checked.
	origin, _, _ := strings.Cut(string(files["checkpoint"]), "\n")
	if err := fsck.New(origin, verifier, files, leaves, fsck.Opts{}).Check(ctx); err != nil {
		return 0, err
	}
	checkpoint, _, _, err := client.FetchCheckpoint(ctx, files.ReadCheckpoint, verifier, origin)
	if err != nil {
		return 0, err
	}
	return checkpoint.Size, prove(ctx, files, checkpoint.Size, checkpoint.Hash)
}

// prove has each entry proven by its index, with hashes from tiles.
func prove(ctx context.Context, files bundle, size uint64, root []byte) error {
	builder, err := client.NewProofBuilder(ctx, size, files.ReadTile)
	if err != nil {
		return err
	}
	for from := uint64(0); from < size; from += layout.EntryBundleWidth {
		at := from / layout.EntryBundleWidth
		raw, err := files.ReadEntryBundle(ctx, at, layout.PartialTileSize(0, at, size))
		if err != nil {
			return err
		}
		hashes, err := leaves(raw)
		if err != nil {
			return err
		}
		for i, leaf := range hashes {
			index := from + uint64(i)
			path, err := builder.InclusionProof(ctx, index)
			if err != nil {
				return err
			}
			if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaf, path, root); err != nil {
				return fmt.Errorf("entry %d: %w", index, err)
			}
		}
	}
	return nil
}

// leaves are the hashes of the entries of one bundle of tlog-tiles.
func leaves(raw []byte) ([][]byte, error) {
	var entries api.EntryBundle
	if err := entries.UnmarshalText(raw); err != nil {
		return nil, err
	}
	hashes := make([][]byte, 0, len(entries.Entries))
	for _, entry := range entries.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return hashes, nil
}

// bundle is the files of a tar by their paths, which are those of tlog-tiles.
type bundle map[string][]byte

func read(path string) (bundle, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	files := bundle{}
	for members := tar.NewReader(file); ; {
		header, err := members.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		content := &bytes.Buffer{}
		if _, err := io.Copy(content, members); err != nil {
			return nil, err
		}
		files[header.Name] = content.Bytes()
	}
}

func (b bundle) file(path string) ([]byte, error) {
	content, found := b[path]
	if !found {
		// What Tessera takes for a file that is not there.
		return nil, fmt.Errorf("%s: %w", path, os.ErrNotExist)
	}
	return content, nil
}

// ReadCheckpoint is asked for by Tessera.
func (b bundle) ReadCheckpoint(context.Context) ([]byte, error) { return b.file(layout.CheckpointPath) }

// ReadTile is asked for by Tessera.
func (b bundle) ReadTile(_ context.Context, level, index uint64, partial uint8) ([]byte, error) {
	return b.file(layout.TilePath(level, index, partial))
}

// ReadEntryBundle is asked for by Tessera.
func (b bundle) ReadEntryBundle(_ context.Context, index uint64, partial uint8) ([]byte, error) {
	return b.file(layout.EntriesPath(index, partial))
}

// quiet keeps Tessera's own log lines out of the answer.
func quiet() {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	_ = flags.Set("logtostderr", "false")
	_ = flags.Set("stderrthreshold", "FATAL")
	klog.SetOutput(io.Discard)
}
