package hopsworks

import (
	"bytes"
	"errors"
	"io/fs"
	"time"
)

// keysKind begins the file of known keys.
const keysKind = "rongate-keys"

// saveEvery is the time between two writings of one file at least.
const saveEvery = 10 * time.Second

// A keptKey is a key in the file: nothing that could be presented.
type keptKey struct {
	Prefix    string    `json:"prefix"`
	Confirmed time.Time `json:"confirmed"` // when it was read last
	standing
}

// save writes the file of known keys, if they are others than those in it, or Close is called: then they were confirmed
// since.
func (k *Keys) save(last bool) {
	now := time.Now()
	if k.cfg.File == "" || !last && (!k.altered || now.Sub(k.saved) < saveEvery) {
		return
	}
	var kept []keptKey
	for _, name := range k.known.Keys() { // those used last come last, and so do they when the file is read
		if one, ok := k.known.Peek(name); ok {
			kept = append(kept, keptKey{
				string(bytes.TrimRight(name[:], "\x00")), time.Unix(0, one.confirmed.Load()).UTC(), *one.standing.Load(),
			})
		}
	}
	k.altered, k.saved = false, now
	if err := saveFile(k.cfg.File, keysKind, kept, now); err != nil {
		k.cfg.Log.Error("known API keys cannot be written; a restart while the metadata layer is away would let nobody in",
			"file", k.cfg.File, "error", err)
	}
}

// load remembers the keys of the file, as long as they may go on.
func (k *Keys) load() {
	if k.cfg.File == "" {
		return
	}
	data, err := readFile(k.cfg.File)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var kept []keptKey
	if err == nil {
		kept, err = parseKeys(data)
	}
	if err != nil {
		k.cfg.Log.Warn("file of known API keys cannot be used", "file", k.cfg.File, "error", err)
		return
	}
	for _, one := range kept {
		var name prefix
		if copy(name[:], one.Prefix) < len(one.Prefix) || time.Since(one.Confirmed) > k.cfg.Keep {
			continue
		}
		entry := &key{}
		s := one.standing
		entry.standing.Store(&s)
		entry.confirmed.Store(min(one.Confirmed.UnixNano(), time.Now().UnixNano()))
		k.known.Add(name, entry)
	}
}

// parseKeys reads what save has written.
func parseKeys(data []byte) ([]keptKey, error) {
	var kept []keptKey
	if _, err := parseFile(data, keysKind, &kept); err != nil {
		return nil, err
	}
	return kept[max(0, len(kept)-maxKnown):], nil
}
