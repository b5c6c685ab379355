package hopsworks

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-json"
)

const (
	// snapshotKind and snapshotVersion begin the snapshot file: who wrote it, and how.
	snapshotKind    = "rongate-metadata"
	snapshotVersion = "1"

	// maxSnapshot bounds the file, in bytes: fifty times what five thousand views of twenty features take.
	maxSnapshot = 512 << 20

	// maxHeader bounds its first line.
	maxHeader = 256
)

// saveSnapshot writes the metadata to a file.
func saveSnapshot(path string, m *Metadata, at time.Time) error {
	return saveFile(path, snapshotKind, m, at)
}

// saveFile writes a document to a file that is there whole or not at all. The first line has what kind of file it is, its
// version, when it was written and the SHA-256 of the rest, which is JSON.
func saveFile(path, kind string, document any, at time.Time) error {
	content, err := json.Marshal(document)
	if err != nil {
		return err
	}
	if len(content) > maxSnapshot {
		return fmt.Errorf("it would be %d bytes, and at most %d are kept", len(content), maxSnapshot)
	}
	sum := sha256.Sum256(content)
	header := strings.Join([]string{
		kind, snapshotVersion, at.UTC().Format(time.RFC3339Nano), hex.EncodeToString(sum[:]),
	}, " ") + "\n"
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // for its owner alone
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.MultiReader(strings.NewReader(header), bytes.NewReader(content)))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(filepath.Dir(path))
}

// syncDir has a renamed file survive a power failure.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// loadSnapshot reads what saveSnapshot has written, and when.
func loadSnapshot(path string) (*Metadata, time.Time, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, time.Time{}, err
	}
	return parseSnapshot(data)
}

func parseSnapshot(data []byte) (*Metadata, time.Time, error) {
	m := &Metadata{}
	at, err := parseFile(data, snapshotKind, m)
	if err == nil {
		err = m.check()
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	return m, at, nil
}

// readFile reads a file that saveFile may have written.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSnapshot+maxHeader+1))
}

// parseFile reads what saveFile has written into a document, and when it was.
func parseFile(data []byte, kind string, document any) (time.Time, error) {
	none := time.Time{}
	header, content, ok := bytes.Cut(data, []byte("\n"))
	parts := strings.Split(string(header[:min(len(header), maxHeader)]), " ")
	switch {
	case !ok || parts[0] != kind:
		return none, fmt.Errorf("it is no file of kind %s; name another file, or delete it and one is written", kind)
	case len(parts) != 4 || parts[1] != snapshotVersion:
		return none, errors.New("it was written by another version of rongate; delete it, and one is written once the " +
			"metadata layer answers")
	}
	at, err := time.Parse(time.RFC3339Nano, parts[2])
	if err != nil {
		return none, errors.New("it does not say when it was written; delete it")
	}
	if len(content) > maxSnapshot {
		return none, fmt.Errorf("it is larger than %d bytes; delete it", maxSnapshot)
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != parts[3] {
		return none, errors.New("it is damaged: its checksum is wrong; delete it, and one is written once the metadata layer " +
			"answers")
	}
	if err := json.Unmarshal(content, document); err != nil {
		return none, fmt.Errorf("it cannot be read: %w", err)
	}
	return at, nil
}

// check refuses metadata that nothing can be made of, whatever their file's checksum says.
func (m *Metadata) check() error {
	for _, v := range m.Views {
		if v == nil {
			return errors.New("it has a view without content; delete it")
		}
	}
	return nil
}
