package frauddata

import (
	"strconv"
	"time"
)

// An Entry names what a vector is asked for.
type Entry struct{ Account, Merchant, Card uint64 }

// AppendKeys appends its serving keys, those that have a number, as a JSON object.
func (e Entry) AppendKeys(dst []byte) []byte {
	dst = append(dst, '{')
	start := len(dst)
	comma := func() {
		if len(dst) > start {
			dst = append(dst, ',')
		}
	}
	if e.Account != 0 {
		dst = strconv.AppendUint(append(dst, `"account_id":`...), e.Account, 10)
	}
	if e.Merchant != 0 {
		comma()
		dst = append(AppendMerchantID(append(dst, `"merchant_id":"`...), e.Merchant), '"')
	}
	if e.Card != 0 {
		comma()
		dst = append(AppendCardID(append(dst, `"card_id":"`...), e.Card), '"')
	}
	return append(dst, '}')
}

// A Status is how a row was found. The greater is the worse.
type Status int

// The statuses of rows that could be read.
const (
	Complete Status = iota
	Missing
	Expired
)

func (s Status) String() string { return [...]string{"COMPLETE", "MISSING", "EXPIRED"}[s] }

// A Feature is one column of one group.
type Feature struct {
	group  *Group
	column int
}

// Feature finds a feature by its name. Each stands for the same column in all feature views.
func (d *Data) Feature(name string) (Feature, bool) {
	f, ok := d.features[name]
	return f, ok
}

// AppendWant appends what has to be answered for an entry within days of the data set's Now, as JSON, and returns its
// group's status. A key echoes the entry and is always complete.
func (f Feature) AppendWant(dst []byte, e Entry) ([]byte, Status) {
	if f.IsKey() {
		return f.AppendEcho(dst, e), Complete
	}
	row, found := f.group.Find(e)
	switch {
	case !found:
		return f.AppendInstead(dst), Missing
	case f.group.dated && isExpired(row):
		return f.AppendInstead(dst), Expired
	}
	return f.AppendStored(dst, row), Complete
}

// Group is the feature's group; for a key, one of those that have it.
func (f Feature) Group() *Group { return f.group }

// IsKey reports whether the feature is a key, which is answered as it was asked.
func (f Feature) IsKey() bool { return f.group.columns[f.column].key }

// AppendStored appends the value of the row of that number, which is there, as JSON.
func (f Feature) AppendStored(dst []byte, row uint64) []byte {
	return f.group.cell(row, f.column).appendJSON(dst)
}

// AppendInstead appends what is served where there is no row, or none that has not expired, as JSON.
func (f Feature) AppendInstead(dst []byte) []byte {
	if instead := f.group.columns[f.column].instead; instead != "" {
		return append(dst, instead...)
	}
	return append(dst, "null"...)
}

// AppendEcho appends what a key is answered with, as JSON.
func (f Feature) AppendEcho(dst []byte, e Entry) []byte {
	switch key := f.group.columns[f.column].name; {
	case key == "account_id" && e.Account != 0:
		return strconv.AppendUint(dst, e.Account, 10)
	case key == "merchant_id" && e.Merchant != 0:
		return append(AppendMerchantID(append(dst, '"'), e.Merchant), '"')
	case key == "card_id" && e.Card != 0:
		return append(AppendCardID(append(dst, '"'), e.Card), '"')
	}
	return append(dst, "null"...)
}

// Find returns the number of the row for an entry.
func (g *Group) Find(e Entry) (row uint64, found bool) {
	switch g.by {
	case byMerchant:
		row = e.Merchant
	case byCard:
		row = e.Card
	case byPair:
		if e.Merchant != RegularOf(e.Account) {
			return 0, false
		}
		fallthrough
	case byAccount:
		row = e.Account
	}
	return row, g.has(row)
}

// Numbers are the least and the greatest number of its rows.
func (g *Group) Numbers() (first, last uint64) { return g.first, g.last }

// EventTime is that of the row of that number, which is there; false if the group has none.
func (g *Group) EventTime(row uint64) (time.Time, bool) {
	if !g.dated {
		return time.Time{}, false
	}
	return time.UnixMilli(g.cell(row, eventColumn).whole), true
}
