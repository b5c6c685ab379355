package frauddata

import "strconv"

// An Entry names what a vector is asked for.
type Entry struct{ Account, Merchant, Card uint64 }

// AppendKeys appends its serving keys, those that have a number, as a JSON object.
func (e Entry) AppendKeys(dst []byte) []byte {
	dst = append(dst, '{')
	start := len(dst)
	if e.Account != 0 {
		dst = append(dst, `"account_id":`...)
		dst = strconv.AppendUint(dst, e.Account, 10)
	}
	for _, key := range []struct {
		name  string
		id    string
		given bool
	}{
		{"merchant_id", MerchantID(e.Merchant), e.Merchant != 0},
		{"card_id", CardID(e.Card), e.Card != 0},
	} {
		if !key.given {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, key.name...)
		dst = append(dst, `":"`...)
		dst = append(dst, key.id...)
		dst = append(dst, '"')
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

// AppendWant appends what has to be answered for an entry, as JSON, and returns its group's status. A key echoes the
// entry and is always complete.
func (f Feature) AppendWant(dst []byte, e Entry) ([]byte, Status) {
	c := &f.group.columns[f.column]
	if c.key {
		return appendEcho(dst, c.name, e), Complete
	}
	number, status := f.group.find(e)
	if status == Complete {
		return appendJSON(dst, f.group.cell(number, f.column)), Complete
	}
	if c.instead == "" {
		return append(dst, "null"...), status
	}
	return append(dst, c.instead...), status
}

func appendEcho(dst []byte, key string, e Entry) []byte {
	switch {
	case key == "account_id" && e.Account != 0:
		return appendJSON(dst, e.Account)
	case key == "merchant_id" && e.Merchant != 0:
		return appendJSON(dst, MerchantID(e.Merchant))
	case key == "card_id" && e.Card != 0:
		return appendJSON(dst, CardID(e.Card))
	}
	return append(dst, "null"...)
}

// find returns the number of the row for an entry.
func (g *Group) find(e Entry) (uint64, Status) {
	number := e.Account
	switch g.table {
	case "merchant_stats_1":
		number = e.Merchant
	case "card_profile_1":
		number = e.Card
	case "account_merchant_1":
		if e.Merchant != RegularOf(e.Account) {
			return 0, Missing
		}
	}
	switch {
	case !g.has(number):
		return 0, Missing
	case g.table == "account_stats_1" && isExpired(number):
		return 0, Expired
	}
	return number, Complete
}
