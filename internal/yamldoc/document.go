package yamldoc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxSize is the largest file that is read, in bytes. A parsed document takes up to a few hundred times its size in
// memory, and no configuration comes near this.
const MaxSize = 4 << 20

// A Doc is one file being read, with the problems found in it so far. Callers add their own to its Report, such as two
// values that contradict each other. It is not safe for concurrent use.
type Doc struct {
	Report
	file string
	root *Map
	maps []*Map // every mapping that was opened, to find the fields that nobody asked for
}

// ReadFile parses a file. The error says that it cannot be read; what is wrong with its content is in Doc.Err.
func ReadFile(path string) (*Doc, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err // names the operation and the path
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, err
	}
	return Parse(path, data), nil
}

// Parse parses the content of a file; file is its name in messages.
func Parse(file string, data []byte) *Doc {
	d := &Doc{file: file}
	d.root = d.parseRoot(data)
	return d
}

// Root is the top mapping. It is empty if the file is not valid YAML, which Err then tells.
func (d *Doc) Root() *Map { return d.root }

// Err returns Problems: all that was found, and the unknown fields of every mapping that was opened. Call it when
// everything has been asked for; calling it again gives the same answer.
func (d *Doc) Err() error {
	for _, m := range d.maps {
		m.reportUnknown()
	}
	d.maps = nil
	return d.Report.Err()
}

// parseRoot returns an empty mapping that nobody needs to read if there is no content to be had.
func (d *Doc) parseRoot(data []byte) *Map {
	whole := Pos{File: d.file}
	if len(data) > MaxSize {
		d.Add(whole, "the file is larger than %d bytes; split it or take out what is not needed", MaxSize)
		return d.emptyMap(whole)
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(data)))
	var first, second yaml.Node
	err := decoder.Decode(&first)
	if err == nil {
		err = decoder.Decode(&second)
	}
	switch {
	case first.Kind == 0 && errors.Is(err, io.EOF):
		d.Add(whole, "the file is empty")
	case err == nil:
		d.Add(Pos{File: d.file, Line: second.Line}, "a second document starts here; a file holds one")
	case !errors.Is(err, io.EOF):
		d.addSyntax(err, data)
	default:
		return (&Value{doc: d, at: Pos{File: d.file, Line: 1}, node: first.Content[0], required: true}).Map()
	}
	return d.emptyMap(whole)
}

// emptyMap stands for a mapping that is not there, so that reading can go on. Nothing is reported for what it lacks:
// its absence was.
func (d *Doc) emptyMap(at Pos) *Map { return &Map{doc: d, at: at, absent: true} }

// lineOf finds the line in an error of the YAML parser, which has no type for it.
var lineOf = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?s:(.*))$`)

// addSyntax reports an error of the YAML parser.
func (d *Doc) addSyntax(err error, data []byte) {
	at, message := Pos{File: d.file}, err.Error()
	if m := lineOf.FindStringSubmatch(message); m != nil {
		at.Line, _ = strconv.Atoi(m[1])
		message = m[2]
	}
	hint := ""
	if tab := indentedByTab(data); tab > 0 {
		hint = fmt.Sprintf("; line %d is indented with a tab, where YAML takes spaces only", tab)
	}
	d.Add(at, "is not valid YAML: %s%s", message, hint)
}

// indentedByTab returns the first line that has a tab in its indentation, the syntax error whose message helps least;
// 0 if there is none.
func indentedByTab(data []byte) int {
	for i, line := range strings.Split(string(data), "\n") {
		if strings.HasPrefix(strings.TrimLeft(line, " "), "\t") && strings.TrimSpace(line) != "" {
			return i + 1
		}
	}
	return 0
}
