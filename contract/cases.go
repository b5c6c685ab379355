package contract

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A Case is one request and the response it must get.
type Case struct {
	Name    string // the file's, without its extension
	Comment string // the rule that the case shows
	Only    string // the one database that the case holds on, "ndb" or "mariadb"; empty: both

	Method, Path string // Path with its query
	Header       map[string]string
	Body         []byte

	Status     int
	WantHeader map[string]string // the response may have others
	WantBody   []byte            // compact where it is JSON
}

// Cases returns all cases by name. A file that cannot be parsed is an error that begins with its name and line.
func Cases() ([]Case, error) {
	files, err := cases.ReadDir("cases")
	if err != nil {
		return nil, fmt.Errorf("list the cases: %w", err)
	}
	all := make([]Case, 0, len(files))
	for _, f := range files {
		data, err := cases.ReadFile(path.Join("cases", f.Name()))
		if err != nil {
			return nil, fmt.Errorf("read a case: %w", err)
		}
		c, err := parseCase(f.Name(), data)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// Compact returns JSON without the whitespace between its tokens, and leaves the tokens as they are, so that two
// documents that mean the same but are written differently stay different.
func Compact(json []byte) []byte {
	dst := make([]byte, 0, len(json))
	inString, escaped := false, false
	for _, b := range json {
		if inString {
			inString = escaped || b != '"'
			escaped = b == '\\' && !escaped
		} else {
			if b == ' ' || b == '\n' || b == '\r' || b == '\t' {
				continue
			}
			inString = b == '"'
		}
		dst = append(dst, b)
	}
	return dst
}

// caseFile reads a case line by line.
type caseFile struct {
	name  string
	lines []string
	at    int // the lines that have been read
}

func parseCase(name string, data []byte) (Case, error) {
	text, ended := strings.CutSuffix(string(data), "\n")
	f := &caseFile{name: name, lines: strings.Split(text, "\n")}
	c := Case{Name: strings.TrimSuffix(name, ".txt")}
	if !ended {
		return c, f.errorf("the file does not end with a line break")
	}
	f.comment(&c)
	if err := f.request(&c); err != nil {
		return c, err
	}
	return c, f.response(&c)
}

func (f *caseFile) comment(c *Case) {
	var said []string
	for ; f.at < len(f.lines); f.at++ {
		line, ok := strings.CutPrefix(f.lines[f.at], "# ")
		if !ok {
			break
		}
		if only, ok := strings.CutPrefix(line, "only: "); ok {
			c.Only = only
		} else {
			said = append(said, line)
		}
	}
	c.Comment = strings.Join(said, " ")
}

func (f *caseFile) request(c *Case) error {
	var ok bool
	if c.Method, c.Path, ok = strings.Cut(f.next(), " "); !ok || !strings.HasPrefix(c.Path, "/") {
		return f.errorf("want a method and a path")
	}
	var err error
	if c.Header, err = f.header(); err != nil {
		return err
	}
	length := slices.Index(f.lines[f.at:], "----")
	if length < 0 {
		return f.errorf("no line of four dashes after the request")
	}
	c.Body = []byte(strings.Join(f.lines[f.at:f.at+length], "\n"))
	f.at += length + 1
	return nil
}

func (f *caseFile) response(c *Case) error {
	var err error
	if c.Status, err = strconv.Atoi(f.next()); err != nil {
		return f.errorf("want a status code")
	}
	if c.WantHeader, err = f.header(); err != nil {
		return err
	}
	body := strings.Join(f.lines[f.at:], "\n")
	if body == "" {
		f.at++
		return f.errorf("want the body of the response")
	}
	c.WantBody = []byte(body)
	if file, ok := strings.CutPrefix(body, "@"); ok {
		if file != "openapi.json" {
			return f.errorf("no file %q to stand for the body", file)
		}
		c.WantBody = openAPI
	}
	if strings.Contains(c.WantHeader["Content-Type"], "json") {
		c.WantBody = Compact(c.WantBody)
	}
	return nil
}

// header reads up to and including the empty line.
func (f *caseFile) header() (map[string]string, error) {
	h := map[string]string{}
	for {
		if f.at == len(f.lines) {
			return nil, f.errorf("no empty line after the headers")
		}
		line := f.next()
		if line == "" {
			return h, nil
		}
		name, value, ok := strings.Cut(line, ": ")
		if _, twice := h[name]; !ok || twice {
			return nil, f.errorf("want a header that has not been given yet")
		}
		h[name] = value
	}
}

// next returns the next line, or an empty one at the end.
func (f *caseFile) next() string {
	f.at++
	if f.at > len(f.lines) {
		return ""
	}
	return f.lines[f.at-1]
}

// errorf blames the line that was read last.
func (f *caseFile) errorf(format string, args ...any) error {
	return fmt.Errorf("cases/%s:%d: %s", f.name, max(1, min(f.at, len(f.lines))), fmt.Sprintf(format, args...))
}
