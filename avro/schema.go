package avro

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/goccy/go-json"
	hamba "github.com/hamba/avro/v2"
)

// The bounds of schemas. Those of Hopsworks have some kilobytes and a few levels.
const (
	maxSchema = 1 << 20 // bytes of text
	maxTypes  = 1 << 16 // types written in it, references among them
	maxDepth  = 64      // arrays, maps and records in one another, in a schema as in a datum
)

// Parse reads a record schema. Of several schemas none knows the others' names.
func Parse(schema []byte) (*Record, error) {
	if len(schema) > maxSchema {
		return nil, fmt.Errorf("an Avro schema of %d bytes; at most %d are read", len(schema), maxSchema)
	}
	var tree any
	if err := json.Unmarshal(schema, &tree); err != nil {
		return nil, fmt.Errorf("an Avro schema that is not JSON: %w", short(err))
	}
	var c cleaner
	clean, err := c.schema(tree, 0)
	if err != nil {
		return nil, fmt.Errorf("schema of Avro: %w", err)
	}
	text, err := json.Marshal(clean)
	if err != nil {
		return nil, fmt.Errorf("schema of Avro: %w", short(err))
	}
	// With a cache of its own: the library's keeps the names of all schemas ever read.
	parsed, err := hamba.ParseBytesWithCache(text, "", &hamba.SchemaCache{})
	if err != nil {
		return nil, fmt.Errorf("schema of Avro: %w", short(err))
	}
	record, ok := parsed.(*hamba.RecordSchema)
	if !ok {
		return nil, errors.New("an Avro schema that is not a record's")
	}
	return compile(record)
}

// short cuts a foreign error, which may quote the whole schema.
func short(err error) error {
	const enough = 200 // bytes
	text := err.Error()
	return errors.New(strings.ToValidUTF8(text[:min(len(text), enough)], "\uFFFD"))
}

// A cleaner copies a schema with nothing but what decides how data is laid out, and within bounds. The library then
// never sees defaults, which it would apply (a default for a large fixed type takes memory, one for a recursive record a
// recursion), nor aliases, which it would take for names and prefer to the types of that name, nor numbers that it
// would round.
type cleaner struct{ types int }

// schema copies one type. depth is how many arrays, maps and records are around it.
func (c *cleaner) schema(v any, depth int) (any, error) {
	if c.types++; c.types > maxTypes {
		return nil, fmt.Errorf("it has more than %d types", maxTypes)
	}
	switch v := v.(type) {
	case string:
		return qualified(v), nil
	case map[string]any:
		return c.object(v, depth)
	case []any:
		branches := make([]any, len(v))
		for i, branch := range v {
			if _, union := branch.([]any); union {
				return nil, errors.New("a union is directly within a union")
			}
			var err error
			if branches[i], err = c.schema(branch, depth); err != nil {
				return nil, err
			}
		}
		return branches, nil
	}
	return nil, errors.New("a type is neither a name nor an object nor a union")
}

func (c *cleaner) object(v map[string]any, depth int) (any, error) {
	kind, ok := v["type"].(string)
	if !ok {
		return nil, errors.New("an object that is to be a type does not name it")
	}
	clean := map[string]any{"type": kind}
	for _, key := range []string{"name", "namespace", "symbols"} {
		if value, ok := v[key]; ok {
			clean[key] = value
		}
	}
	if name, ok := v["name"].(string); ok {
		clean["name"] = qualified(name)
	}
	if space, ok := v["namespace"].(string); ok {
		clean["namespace"] = namespace(space)
	}
	cleanLogical(clean, v)
	key := ""
	switch kind {
	case "fixed":
		size, ok := whole(v["size"])
		if !ok {
			return nil, errors.New("the size of a fixed type is not a number of bytes")
		}
		clean["size"] = size
		return clean, nil
	case "array":
		key = "items"
	case "map":
		key = "values"
	case "record", "error":
		key = "fields"
	default:
		return clean, nil
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("it is more than %d levels deep", maxDepth)
	}
	var err error
	if key == "fields" {
		clean[key], err = c.fields(v[key], depth+1)
	} else {
		clean[key], err = c.schema(v[key], depth+1)
	}
	return clean, err
}

func (c *cleaner) fields(v any, depth int) (any, error) {
	fields, ok := v.([]any)
	if !ok {
		return nil, errors.New("a record has no list of fields")
	}
	clean := make([]any, len(fields))
	for i, f := range fields {
		f, ok := f.(map[string]any)
		if !ok {
			return nil, errors.New("a field is not an object")
		}
		of, err := c.schema(f["type"], depth)
		if err != nil {
			return nil, err
		}
		clean[i] = map[string]any{"name": f["name"], "type": of}
	}
	return clean, nil
}

// qualified makes the namespace in front of a name, if there is one, one that the library accepts.
func qualified(name string) string {
	last := strings.LastIndexByte(name, '.')
	if last < 0 {
		return name
	}
	return namespace(name[:last]) + name[last:]
}

// namespace puts a letter in front of the parts of a namespace that begin with a digit. Hopsworks names a feature group's
// namespace after its project, which may begin with one; the specification does not allow that, and the library
// insists. Should two names become one so, the library refuses the second.
func namespace(space string) string {
	parts := strings.Split(space, ".")
	for i, part := range parts {
		if part != "" && part[0] >= '0' && part[0] <= '9' {
			parts[i] = "n" + part
		}
	}
	return strings.Join(parts, ".")
}

// cleanLogical copies the logical type, but for a decimal that is none, whose bytes are then just bytes: so the
// specification wants it.
func cleanLogical(clean, v map[string]any) {
	logical, ok := v["logicalType"].(string)
	if !ok {
		return
	}
	if logical == "decimal" {
		precision, ok := whole(v["precision"])
		if !ok {
			return
		}
		clean["precision"] = precision
		if scale, ok := v["scale"]; ok {
			if clean["scale"], ok = whole(scale); !ok {
				return
			}
		}
	}
	clean["logicalType"] = logical
}

// whole is a JSON number as a count.
func whole(v any) (int, bool) {
	f, ok := v.(float64)
	return int(f), ok && f == math.Trunc(f) && f >= 0 && f <= math.MaxInt32
}
