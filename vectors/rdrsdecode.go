package vectors

import (
	"github.com/rongate/rongate/column"
)

// rdrsOptions are the options that RDRS alone has.
type rdrsOptions struct {
	featureName, featureType bool // of metadataOptions
	unchecked                bool // validatePassedFeatures is false
}

// decodeRDRS is the first stage for the RDRS Forms.
func (q *request) decodeRDRS(p *program, r *Request, maxEntries int) *Error {
	if err := q.cursor.decodeRDRSHead(&q.head, r.Form == FormRDRSBatch); err != nil {
		return err
	}
	v, err := p.resolveRDRS(q.head.store, q.head.name, q.head.version, r.Access)
	if err != nil {
		return err
	}
	q.fit(v, len(v.rdrs.names))
	q.tokens = resize(q.tokens, len(v.rdrs.names))
	q.projection = q.projection[:0]
	for f := range v.Features {
		q.projection = append(q.projection, f)
	}
	if err := q.decodeRDRSEntries(maxEntries); err != nil {
		return err
	}
	return q.decodeRDRSPassed()
}

// decodeRDRSHead reads everything but the entries. Fields that RDRS does not know are passed over, as it does.
func (c *cursor) decodeRDRSHead(h *head, batch bool) *Error {
	*h = head{single: !batch, version: -1, options: options{maxAge: -1, partial: batch, deadline: rdrsPatience}}
	if c.kind() != column.LiteralObject {
		return errorf(WrongType, "", "the body must be an object")
	}
	var seen names
	for c.open(); c.more(); {
		name := c.name()
		known, err := c.decodeRDRSField(h, name, batch)
		switch {
		case err != nil:
			return err
		case !known:
			c.raw()
		case !seen.add(name):
			return errorf(DuplicateName, shown(name), "is given twice")
		}
	}
	for _, required := range []struct {
		field  string
		absent bool
	}{
		{"featureStoreName", h.store == nil},
		{"featureViewName", h.name == nil},
		{"featureViewVersion", h.version < 0},
		{"entries", h.entries == nil},
	} {
		if required.absent {
			return errorf(MissingField, required.field, "is required")
		}
	}
	return nil
}

// decodeRDRSField reads the value of a field that RDRS knows.
func (c *cursor) decodeRDRSField(h *head, name []byte, batch bool) (known bool, err *Error) {
	container, what := column.LiteralObject, "an object"
	if batch {
		container, what = column.LiteralArray, "an array of objects"
	}
	switch string(name) {
	case "featureStoreName":
		h.store, err = c.rdrsString("featureStoreName")
	case "featureViewName":
		h.name, err = c.rdrsString("featureViewName")
	case "featureViewVersion":
		h.version, err = c.optionalInt("featureViewVersion", -1, 0)
	case "entries":
		err = c.capture(&h.entries, container, "entries", what)
	case "passedFeatures":
		err = c.capture(&h.passed, container, "passedFeatures", what)
	case "metadataOptions":
		err = c.decodeSwitches("metadataOptions", "featureName", &h.rdrs.featureName, "featureType", &h.rdrs.featureType)
	case "options":
		validate := true
		err = c.decodeSwitches("options", "validatePassedFeatures", &validate, "includeDetailedStatus", &h.options.detail)
		h.rdrs.unchecked = !validate
	default:
		return false, nil
	}
	return true, err
}

// rdrsString reads a string, which may be empty; null counts as absent and gives nil.
func (c *cursor) rdrsString(field string) ([]byte, *Error) {
	switch l := c.literal(); l.Kind {
	case column.LiteralNull:
		return nil, nil
	case column.LiteralString:
		return l.Text, nil
	}
	return nil, errorf(WrongType, field, "must be a string")
}

// decodeSwitches reads an object of two members that are true or false; null leaves them as they are.
func (c *cursor) decodeSwitches(field, first string, a *bool, second string, b *bool) *Error {
	switch c.kind() {
	case column.LiteralNull:
		c.raw()
		return nil
	case column.LiteralObject:
	default:
		return errorf(WrongType, field, "must be an object")
	}
	var seen names
	for c.open(); c.more(); {
		name := c.name()
		var value *bool
		switch string(name) {
		case first:
			value = a
		case second:
			value = b
		default:
			return errorf(UnknownField, field+"."+shown(name), "is not an option; the options are %s, %s", first, second)
		}
		if !seen.add(name) {
			return errorf(DuplicateName, field+"."+shown(name), "is given twice")
		}
		switch c.literal().Kind {
		case column.LiteralNull:
		case column.LiteralTrue:
			*value = true
		case column.LiteralFalse:
			*value = false
		default:
			return errorf(WrongType, field+"."+shown(name), "must be true or false")
		}
	}
	return nil
}

// decodeRDRSEntries reads the entries into the keys of every join of the view. In a batch an entry that makes no sense
// breaks its own row alone.
func (q *request) decodeRDRSEntries(maxEntries int) *Error {
	for j := range q.view.Joins {
		q.keys[j].Reset(len(q.view.Joins[j].KeySlots))
	}
	q.echoes = q.echoes[:0]
	c := &q.cursor
	c.data, c.pos = q.head.entries, 0
	q.entries = 0
	if q.head.single {
		q.entries, q.broken = 1, append(q.broken, false)
		return q.decodeRDRSEntry(0)
	}
	for c.open(); c.more(); q.entries++ {
		if q.entries == maxEntries {
			return errorf(BatchTooLarge, "entries", "at most %d entries a request; split the batch", maxEntries)
		}
		if c.kind() != column.LiteralObject {
			return errorf(WrongType, "entries", "must be an array of objects").at(q.entries)
		}
		q.broken = append(q.broken, false)
		if err := q.decodeRDRSEntry(q.entries); err != nil && !q.breakRow(q.entries, err) {
			return err.at(q.entries)
		}
	}
	if q.entries == 0 {
		return errorf(InvalidValue, "entries", "must have at least one entry").numbered(RDRSNoEntry)
	}
	return nil
}

// breakRow reports whether an error is one entry's of a batch alone, and has the entry answered so.
func (q *request) breakRow(entry int, err *Error) bool {
	switch err.Code {
	case UnknownKey, InvalidKey, UnknownPassedFeature, InvalidPassedFeature:
		q.broken[entry] = !q.head.single
		return q.broken[entry]
	}
	return false
}

// decodeRDRSEntry reads one entry to its end: what is given under each name, then from that the key of every join.
func (q *request) decodeRDRSEntry(entry int) *Error {
	c := &q.cursor
	clear(q.given)
	var failure *Error
	empty := true
	for c.open(); c.more(); empty = false {
		name := c.name()
		if c.kind() == column.LiteralNull {
			return errorf(MissingField, "entries."+shown(name), "must not be null")
		}
		i, known := q.view.rdrs.names[string(name)]
		switch {
		case !known && failure == nil:
			failure = errorf(UnknownKey, "entries."+shown(name), "%s is not a serving key of %s, which takes %s", shown(name),
				q.view.title, q.view.rdrs.taken)
			fallthrough
		case !known:
			c.raw()
			continue
		case q.given[i]:
			return errorf(DuplicateName, "entries."+shown(name), "is given twice")
		}
		q.given[i] = true
		c.pos = skipSpace(c.data, c.pos)
		start := c.pos
		q.literals[i] = c.literal()
		q.tokens[i] = span{start, c.pos}
	}
	if empty {
		failure = errorf(UnknownKey, "entries", "No entries found; %s takes %s", q.view.title, q.view.rdrs.taken)
	}
	if failure == nil {
		failure = q.appendRDRSKeys()
	}
	if failure != nil {
		q.void(entry)
	}
	return failure
}

// appendRDRSKeys adds the keys of the entry at hand to the joins', and what they echo.
func (q *request) appendRDRSKeys() *Error {
	v := q.view.rdrs
	for j := range q.view.Joins {
		for part, c := range q.view.Joins[j].Group.Key {
			name := q.best(v.parts[v.first[j]+part])
			if name < 0 {
				q.keys[j].AppendAbsent()
				q.echoes = append(q.echoes, span{})
				continue
			}
			if err := q.keys[j].Append(c, keyLiteral(c, q.literals[name])); err != nil {
				return errorf(InvalidKey, "entries", "primary key %s of %s %s", c.Name, groupName(q.view.Joins[j].Group), err)
			}
			q.echoes = append(q.echoes, q.tokens[name])
		}
	}
	return nil
}

// best is the first of some names that the entry at hand has; negative: it has none.
func (q *request) best(names []int) int {
	for _, i := range names {
		if q.given[i] {
			return i
		}
	}
	return -1
}

// keyLiteral is what a client sent for a key column as rongate takes it: RDRS takes numbers for text.
func keyLiteral(c *column.Column, l column.Literal) column.Literal {
	if l.Kind == column.LiteralNumber && (c.Kind == column.Char || c.Kind == column.VarChar) {
		l.Kind = column.LiteralString
	}
	return l
}

// void takes back what was added for an entry, so that nothing is read for it.
func (q *request) void(entry int) {
	for j := range q.view.Joins {
		q.keys[j].Void(entry)
	}
	parts := len(q.view.rdrs.parts)
	q.echoes = q.echoes[:entry*parts]
	for range parts {
		q.echoes = append(q.echoes, span{})
	}
}

// decodeRDRSPassed reads the passed features of all entries, in the order of the entries. An empty list is none.
func (q *request) decodeRDRSPassed() *Error {
	q.passed, q.fragments = q.passed[:0], q.fragments[:0]
	if q.head.passed == nil {
		return nil
	}
	c := &q.cursor
	c.data, c.pos = q.head.passed, 0
	if q.head.single {
		return q.decodeRDRSPassedItem(0)
	}
	n := 0
	for c.open(); c.more(); n++ {
		if n == q.entries {
			return wrongPassedCount(q.entries)
		}
		switch c.kind() {
		case column.LiteralNull:
			c.raw()
		case column.LiteralObject:
			if err := q.decodeRDRSPassedItem(n); err != nil && !q.breakRow(n, err) {
				return err.at(n)
			}
		default:
			return errorf(WrongType, "passedFeatures", "must be an object or null").at(n)
		}
	}
	if n != 0 && n != q.entries {
		return wrongPassedCount(q.entries)
	}
	return nil
}

func wrongPassedCount(entries int) *Error {
	return errorf(InvalidValue, "passedFeatures", "must have as many items as entries, which has %d", entries).
		numbered(RDRSWrongPassedCount)
}

// decodeRDRSPassedItem reads what one entry passes to its end. A name stands for every feature that has it.
func (q *request) decodeRDRSPassedItem(entry int) *Error {
	c := &q.cursor
	clear(q.given)
	var failure *Error
	for c.open(); c.more(); {
		name := c.name()
		if c.kind() == column.LiteralNull {
			return errorf(MissingField, "passedFeatures."+shown(name), "must not be null").at(entry)
		}
		kind, token := c.kind(), c.raw()
		features := q.view.rdrs.features[string(name)]
		if len(features) > 0 && q.given[features[0]] {
			return errorf(DuplicateName, "passedFeatures."+shown(name), "is given twice").at(entry)
		}
		if failure == nil && !q.head.rdrs.unchecked {
			failure = q.checkPassed(name, features, kind)
		}
		start := len(q.fragments)
		q.fragments = append(q.fragments, token...)
		for _, f := range features {
			q.given[f] = true
			q.passed = append(q.passed, passed{entry: entry, feature: f, start: start, end: len(q.fragments)})
		}
	}
	return failure
}

// checkPassed checks a passed feature as RDRS does: that it is one, and by its JSON type.
func (q *request) checkPassed(name []byte, features []int, kind column.LiteralKind) *Error {
	if len(features) == 0 {
		return errorf(UnknownPassedFeature, "passedFeatures."+shown(name),
			"feature %s is not one of the feature view, or a label, which cannot be passed", shown(name))
	}
	for _, f := range features {
		feature := &q.view.Features[f]
		if got, want := typeOf(kind), passedType(feature); got != want {
			return errorf(InvalidPassedFeature, "passedFeatures."+shown(name), "feature %s (%s) must be of the JSON type %s, not %s",
				shown(name), offlineType(feature), want, got)
		}
	}
	return nil
}
