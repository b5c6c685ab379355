package vectors

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/lookup"
)

// head is a request but for its entries. Its slices borrow the body and the cursor's arena.
type head struct {
	store, name []byte
	version     int // 0: not given
	single      bool
	features    []byte // the text of the list; nil: all features of the view
	entries     []byte // the text of `entry` or `entries`
	passed      []byte // the text of `passedFeatures`; nil: none
	options     options
	rdrs        rdrsOptions
}

// options are the request's options, at their defaults where it has none.
type options struct {
	types, detail, partial bool
	quote                  bool          // numbers: "string"
	deadline               time.Duration // 0: not given
	maxAge                 time.Duration // negative: not given
}

// decodeHead reads everything but the entries, which need the view to be understood.
func (c *cursor) decodeHead(h *head) *Error {
	*h = head{options: options{maxAge: -1}}
	if c.kind() != column.LiteralObject {
		return errorf(WrongType, "", "the body must be an object")
	}
	var seen names
	var entry, entries bool
	for c.open(); c.more(); {
		name := c.name()
		if !seen.add(name) {
			return errorf(DuplicateName, shown(name), "is given twice")
		}
		null := c.kind() == column.LiteralNull
		var err *Error
		switch string(name) {
		case "featureStore":
			h.store, err = c.optionalString("featureStore")
		case "featureView":
			h.name, err = c.optionalString("featureView")
		case "version":
			h.version, err = c.optionalInt("version", 0, 1)
		case "entry":
			entry = !null
			err = c.capture(&h.entries, column.LiteralObject, "entry", "an object")
		case "entries":
			entries = !null
			err = c.capture(&h.entries, column.LiteralArray, "entries", "an array of objects")
		case "passedFeatures":
			h.passed = c.raw()
			if null {
				h.passed = nil
			}
		case "features":
			err = c.capture(&h.features, column.LiteralArray, "features", "an array of strings")
		case "options":
			err = c.decodeOptions(&h.options)
		default:
			err = errorf(UnknownField, shown(name), "unknown field; a request has featureStore, featureView, version, "+
				"entry, entries, passedFeatures, features, options")
		}
		if err != nil {
			return err
		}
	}
	h.single = entry
	switch {
	case len(h.name) == 0:
		return errorf(MissingField, "featureView", "is required")
	case entry && entries:
		return errorf(InvalidValue, "entries", "entry and entries exclude each other")
	case !entry && !entries:
		return errorf(MissingField, "entry", "entry or entries is required")
	}
	return nil
}

// capture keeps the text of the next value, which must be of a kind; null counts as absent and keeps nothing.
func (c *cursor) capture(dst *[]byte, want column.LiteralKind, field, what string) *Error {
	switch c.kind() {
	case column.LiteralNull:
		c.raw()
	case want:
		*dst = c.raw()
	default:
		return errorf(WrongType, field, "must be %s", what)
	}
	return nil
}

func (c *cursor) decodeOptions(o *options) *Error {
	switch c.kind() {
	case column.LiteralNull:
		c.raw()
		return nil
	case column.LiteralObject:
	default:
		return errorf(WrongType, "options", "must be an object")
	}
	var seen names
	for c.open(); c.more(); {
		name := c.name()
		if !seen.add(name) {
			return errorf(DuplicateName, "options."+shown(name), "is given twice")
		}
		var err *Error
		switch string(name) {
		case "types":
			o.types, err = c.optionalBool("options.types")
		case "detail":
			o.detail, err = c.optionalBool("options.detail")
		case "partial":
			o.partial, err = c.optionalBool("options.partial")
		case "numbers":
			o.quote, err = c.numbers("options.numbers")
		case "deadlineMs":
			var ms int
			ms, err = c.optionalInt("options.deadlineMs", 0, 1)
			o.deadline = time.Duration(ms) * time.Millisecond
		case "maxAgeMs":
			var ms int
			ms, err = c.optionalInt("options.maxAgeMs", -1, 0)
			o.maxAge = time.Duration(ms) * time.Millisecond
		default:
			err = errorf(UnknownField, "options."+shown(name),
				"unknown option; the options are types, detail, partial, numbers, deadlineMs, maxAgeMs")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *cursor) numbers(field string) (quote bool, err *Error) {
	s, err := c.optionalString(field)
	if err != nil {
		return false, err
	}
	switch string(s) {
	case "", "number":
		return false, nil
	case "string":
		return true, nil
	}
	return false, errorf(InvalidValue, field, `must be "number" or "string"`)
}

// optionalString reads a string; null counts as absent and gives nil.
func (c *cursor) optionalString(field string) ([]byte, *Error) {
	switch l := c.literal(); l.Kind {
	case column.LiteralNull:
		return nil, nil
	case column.LiteralString:
		if len(l.Text) == 0 {
			return nil, errorf(InvalidValue, field, "must not be empty")
		}
		return l.Text, nil
	}
	return nil, errorf(WrongType, field, "must be a string")
}

// maxInt is what greater numbers count as: more milliseconds than anything lasts, and a time.Duration all the same.
const maxInt = math.MaxInt64 / int(time.Millisecond)

// optionalInt reads a whole number of at least low; null counts as absent and gives what that stands for.
func (c *cursor) optionalInt(field string, absent, low int) (int, *Error) {
	l := c.literal()
	switch l.Kind {
	case column.LiteralNull:
		return absent, nil
	case column.LiteralNumber:
	default:
		return 0, errorf(WrongType, field, "must be a whole number of at least %d", low)
	}
	n, err := strconv.ParseInt(string(l.Text), 10, 64) // the greatest or least there is where it is out of range
	if err != nil && !errors.Is(err, strconv.ErrRange) || n < int64(low) {
		return 0, errorf(InvalidValue, field, "must be a whole number of at least %d", low)
	}
	return int(min(n, int64(maxInt))), nil
}

func (c *cursor) optionalBool(field string) (bool, *Error) {
	switch c.literal().Kind {
	case column.LiteralNull, column.LiteralFalse:
		return false, nil
	case column.LiteralTrue:
		return true, nil
	}
	return false, errorf(WrongType, field, "must be true or false")
}

// maxShown bounds what a message repeats of a client's name, in bytes.
const maxShown = 64

// shown is a name as a message repeats it.
func shown(name []byte) string {
	if len(name) <= maxShown {
		return string(name)
	}
	end := maxShown
	for !utf8.RuneStart(name[end]) {
		end--
	}
	return string(name[:end]) + "…"
}

// names finds a name that occurs twice among the few names of a fixed object. Names beyond its size are not of that
// object and are refused before a twin could matter.
type names struct {
	known [8][]byte
	n     int
}

func (s *names) add(name []byte) bool {
	for _, k := range s.known[:s.n] {
		if bytes.Equal(k, name) {
			return false
		}
	}
	if s.n < len(s.known) {
		s.known[s.n] = name
		s.n++
	}
	return true
}

// decodeEntries reads the entries into the keys of every join of the view.
func (q *request) decodeEntries(maxEntries int) *Error {
	for j := range q.view.Joins {
		q.keys[j].Reset(len(q.view.Joins[j].KeySlots))
	}
	c := &q.cursor
	c.data, c.pos = q.head.entries, 0
	q.entries = 0
	if q.head.single {
		q.entries = 1
		return q.decodeEntry("entry")
	}
	for c.open(); c.more(); {
		if q.entries == maxEntries {
			return errorf(BatchTooLarge, "entries", "at most %d entries a request; split the batch", maxEntries)
		}
		if err := q.decodeEntry("entries"); err != nil {
			return err.at(q.entries)
		}
		q.entries++
	}
	if q.entries == 0 {
		return errorf(InvalidValue, "entries", "must have at least one entry")
	}
	return nil
}

// decodeEntry reads one entry: the serving keys' literals by slot, then from them the key of every join.
func (q *request) decodeEntry(container string) *Error {
	c := &q.cursor
	if c.kind() != column.LiteralObject {
		return errorf(WrongType, container, "must be an object")
	}
	clear(q.literals)
	clear(q.given)
	for c.open(); c.more(); {
		name := c.name()
		slot, ok := q.view.keyIndex[string(name)]
		if !ok {
			return errorf(UnknownKey, container+"."+shown(name), "unknown serving key; %s takes %s", q.view.title, q.view.keyNames)
		}
		if q.given[slot] {
			return errorf(DuplicateName, container+"."+shown(name), "is given twice")
		}
		q.given[slot] = true
		q.literals[slot] = c.literal()
	}
	for j := range q.view.Joins {
		if err := appendKey(&q.keys[j], &q.view.Joins[j], q.literals); err != nil {
			key := q.view.ServingKeys[err.slot].Name
			return errorf(InvalidKey, container+"."+key, "%s", err.message)
		}
	}
	return nil
}

// keyError is a serving key that its column cannot hold.
type keyError struct {
	slot    int
	message string
}

// appendKey adds one entry's key to the keys of a join.
func appendKey(keys *lookup.Keys, join *catalog.Join, literals []column.Literal) *keyError {
	for part, slot := range join.KeySlots {
		if literals[slot].Kind == column.LiteralNull {
			keys.AppendAbsent()
		} else if err := keys.Append(join.Group.Key[part], literals[slot]); err != nil {
			return &keyError{slot: slot, message: err.Error()}
		}
	}
	return nil
}

// passed is one feature that the caller supplies for one entry.
type passed struct {
	entry, feature int
	start, end     int // the rendered fragment in request.fragments
}

// decodePassed reads the passed features of all entries, in the order of the entries.
func (q *request) decodePassed() *Error {
	q.passed, q.fragments = q.passed[:0], q.fragments[:0]
	if q.head.passed == nil {
		return nil
	}
	c := &q.cursor
	c.data, c.pos = q.head.passed, 0
	if q.head.single {
		if c.kind() != column.LiteralObject {
			return errorf(WrongType, "passedFeatures", "must be an object")
		}
		return q.decodePassedItem(0)
	}
	if c.kind() != column.LiteralArray {
		return errorf(WrongType, "passedFeatures", "must be an array with an item for each entry")
	}
	n := 0
	for c.open(); c.more(); n++ {
		if n == q.entries {
			n = q.entries + 1
			break
		}
		switch c.kind() {
		case column.LiteralNull:
			c.raw()
		case column.LiteralObject:
			if err := q.decodePassedItem(n); err != nil {
				return err.at(n)
			}
		default:
			return errorf(WrongType, "passedFeatures", "must be an object or null").at(n)
		}
	}
	if n != q.entries {
		return errorf(InvalidValue, "passedFeatures", "must have as many items as entries, which has %d", q.entries)
	}
	return nil
}

func (q *request) decodePassedItem(entry int) *Error {
	c := &q.cursor
	clear(q.given)
	for c.open(); c.more(); {
		name := c.name()
		feature, ok := q.view.featureIndex[string(name)]
		if !ok {
			return errorf(UnknownPassedFeature, "passedFeatures."+shown(name), "unknown feature; %s", q.view.listing)
		}
		if q.given[feature] {
			return errorf(DuplicateName, "passedFeatures."+shown(name), "is given twice")
		}
		q.given[feature] = true
		start := len(q.fragments)
		l := c.literal()
		fragments, err := q.view.Features[feature].Column.AppendLiteral(q.fragments, l)
		if err != nil {
			return errorf(InvalidPassedFeature, "passedFeatures."+shown(name), "%s", err)
		}
		if twin := duplicateName(l); twin != "" {
			return errorf(DuplicateName, "passedFeatures."+shown(name), "the name %s occurs twice in an object", shown([]byte(twin)))
		}
		q.fragments = fragments
		q.passed = append(q.passed, passed{entry: entry, feature: feature, start: start, end: len(fragments)})
	}
	return nil
}

// duplicateName returns a name that occurs twice in an object within a literal, or "". Only JSON columns take objects,
// so that this is rare.
func duplicateName(l column.Literal) string {
	if l.Kind != column.LiteralArray && l.Kind != column.LiteralObject {
		return ""
	}
	c := cursor{data: l.Text}
	seen := map[string]bool{}
	for c.open(); c.more(); {
		if l.Kind == column.LiteralObject {
			name := string(c.name())
			if seen[name] {
				return name
			}
			seen[name] = true
		}
		if twin := duplicateName(c.literal()); twin != "" {
			return twin
		}
	}
	return ""
}

// decodeProjection fills q.projection with the features to be answered, in order.
func (q *request) decodeProjection() *Error {
	q.projection = q.projection[:0]
	if q.head.features == nil {
		for f := range q.view.Features {
			q.projection = append(q.projection, f)
		}
		return nil
	}
	clear(q.chosen)
	c := &q.cursor
	c.data, c.pos = q.head.features, 0
	for c.open(); c.more(); {
		l := c.literal()
		if l.Kind != column.LiteralString {
			return errorf(WrongType, "features", "must be an array of strings")
		}
		f, ok := q.view.featureIndex[string(l.Text)]
		if !ok {
			return errorf(UnknownFeature, "features", "unknown feature %s; %s", shown(l.Text), q.view.listing)
		}
		if q.chosen[f] {
			return errorf(DuplicateFeature, "features", "has %s twice", shown(l.Text))
		}
		q.chosen[f] = true
		q.projection = append(q.projection, f)
	}
	if len(q.projection) == 0 {
		return errorf(InvalidValue, "features", "must have at least one feature")
	}
	return nil
}
