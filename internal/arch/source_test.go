package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	maxFunctionLines = 70
	maxFileLines     = 450 // hand-written and no test; the aim is 400
	maxLineWidth     = 125 // characters, a tab being one; the aim is 120
)

// TestSource checks what every hand-written file of the production packages must look like.
func TestSource(t *testing.T) {
	for _, p := range list(t, module+"/...") {
		files := token.NewFileSet()
		var parsed []*ast.File
		for _, name := range p.GoFiles {
			path := filepath.Join(p.Dir, name)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			file, err := parser.ParseFile(files, path, text, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, file)
			for _, mistake := range layoutMistakes(string(text)) {
				t.Errorf("%s:%s", path, mistake)
			}
		}
		for _, mistake := range sourceMistakes(files, parsed) {
			t.Error(mistake)
		}
	}
}

// layoutMistakes returns what is wrong with a file's lines, each beginning with its number.
func layoutMistakes(text string) []string {
	var mistakes []string
	lines := strings.Split(text, "\n")
	if len(lines) > maxFileLines {
		mistakes = append(mistakes, fmt.Sprintf("%d: a file of more than %d lines", len(lines), maxFileLines))
	}
	for i, line := range lines {
		if width := utf8.RuneCountInString(line); width > maxLineWidth && !strings.Contains(line, "https://") {
			mistakes = append(mistakes, fmt.Sprintf("%d: a line of %d characters", i+1, width))
		}
		for _, word := range []string{"TO" + "DO", "FIX" + "ME"} {
			if strings.Contains(line, word) {
				mistakes = append(mistakes, fmt.Sprintf("%d: %s", i+1, word))
			}
		}
	}
	return mistakes
}

// sourceMistakes returns what is wrong with the files of one package, each with its place.
func sourceMistakes(files *token.FileSet, parsed []*ast.File) []string {
	s := &source{files: files, variables: map[string]bool{}, specs: map[*ast.ValueSpec]bool{}}
	for _, file := range parsed {
		s.declarations(file)
	}
	for _, file := range parsed {
		for _, declaration := range file.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok && f.Body != nil {
				s.assignments(f.Body)
			}
		}
	}
	return s.mistakes
}

// source is one package being looked at.
type source struct {
	files     *token.FileSet
	variables map[string]bool         // of the package, by name
	specs     map[*ast.ValueSpec]bool // that declare them
	mistakes  []string
}

func (s *source) add(at token.Pos, format string, args ...any) {
	s.mistakes = append(s.mistakes, fmt.Sprintf("%v: %s", s.files.Position(at), fmt.Sprintf(format, args...)))
}

func (s *source) declarations(file *ast.File) {
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			s.function(d)
		case *ast.GenDecl:
			if d.Tok == token.VAR {
				s.variableBlock(d)
			}
			if d.Tok == token.TYPE {
				s.types(d)
			}
		}
	}
}

func (s *source) function(f *ast.FuncDecl) {
	if f.Recv == nil && f.Name.Name == "init" {
		s.add(f.Pos(), "an init function")
	}
	lines := s.files.Position(f.End()).Line - s.files.Position(f.Pos()).Line + 1
	if lines > maxFunctionLines {
		s.add(f.Pos(), "%s has %d lines; at most %d", f.Name.Name, lines, maxFunctionLines)
	}
	plain := f.Name.Name == "Error" || f.Name.Name == "String" || f.Name.Name == "Unwrap" // nothing to be said
	if f.Name.IsExported() && f.Doc == nil && (f.Recv == nil || exportedReceiver(f.Recv) && !plain) {
		s.add(f.Pos(), "%s is exported and has no comment", f.Name.Name)
	}
}

func exportedReceiver(receiver *ast.FieldList) bool {
	var name *ast.Ident // the first is the type's, what follows are its parameters
	ast.Inspect(receiver.List[0].Type, func(n ast.Node) bool {
		if ident, ok := n.(*ast.Ident); ok && name == nil {
			name = ident
		}
		return name == nil
	})
	return name.IsExported()
}

func (s *source) types(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		if t := spec.(*ast.TypeSpec); t.Name.IsExported() && d.Doc == nil && t.Doc == nil && t.Comment == nil {
			s.add(t.Pos(), "%s is exported and has no comment", t.Name.Name)
		}
	}
}

// variableBlock wants variables of a package to be constants that Go has no way to declare: errors, tables, compiled
// expressions, embedded files. Nothing that is made to change, such as a mutex, a map to be filled or a pointer, is
// one.
func (s *source) variableBlock(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		v := spec.(*ast.ValueSpec)
		s.specs[v] = true
		embedded := hasEmbed(d.Doc) || hasEmbed(v.Doc)
		for i, name := range v.Names {
			if name.Name == "_" {
				continue
			}
			s.variables[name.Name] = true
			switch {
			case embedded:
			case len(v.Values) <= i:
				s.add(name.Pos(), "the package's variable %s has no value, so that it is made to be changed", name.Name)
			case !isFixed(v.Values[i]):
				s.add(name.Pos(), "the package's variable %s is made to be changed", name.Name)
			}
		}
	}
}

func hasEmbed(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, c := range doc.List {
		if strings.HasPrefix(c.Text, "//go:embed ") {
			return true
		}
	}
	return false
}

// isFixed reports whether a value is one of those that nobody changes: a table, an error, or a compiled expression.
func isFixed(value ast.Expr) bool {
	switch v := value.(type) {
	case *ast.CompositeLit, *ast.BasicLit:
		return true
	case *ast.CallExpr:
		if f, ok := v.Fun.(*ast.SelectorExpr); ok {
			name := f.Sel.Name
			return name == "New" && isName(f.X, "errors") || name == "Errorf" && isName(f.X, "fmt") ||
				strings.HasPrefix(name, "MustCompile") || name == "MustParseAddr" || name == "MustParsePrefix"
		}
	}
	return false
}

func isName(e ast.Expr, name string) bool {
	ident, ok := e.(*ast.Ident)
	return ok && ident.Name == name
}

// assignments finds the package's variables being changed. A local variable of the same name hides one.
func (s *source) assignments(body *ast.BlockStmt) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, left := range n.Lhs {
					s.changed(left)
				}
			}
		case *ast.IncDecStmt:
			s.changed(n.X)
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				s.changed(n.X)
			}
		}
		return true
	})
}

func (s *source) changed(e ast.Expr) {
	for {
		switch x := e.(type) {
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.Ident:
			if s.variables[x.Name] && !s.isLocal(x) {
				s.add(x.Pos(), "changes the package's variable %s, or takes its address", x.Name)
			}
			return
		default:
			return
		}
	}
}

// isLocal reports whether a name stands for a variable of a function. The parser resolves those, and the package's own
// variables of the same file; what it leaves open is another file's.
func (s *source) isLocal(name *ast.Ident) bool {
	if name.Obj == nil {
		return false
	}
	spec, ok := name.Obj.Decl.(*ast.ValueSpec)
	return !ok || !s.specs[spec]
}

func TestSourceMistakes(t *testing.T) {
	const header = "package x\n\n"
	for _, test := range []struct{ name, source, want string }{
		{"init", "func init() {}", "an init function"},
		{"a long function", "func f() {\n" + strings.Repeat("\tf()\n", 69) + "}", "f has 71 lines"},
		{"a function of the right size", "func f() {\n" + strings.Repeat("\tf()\n", 68) + "}", ""},
		{"no comment", "func F() {}", "F is exported and has no comment"},
		{"no comment on a method", "type T struct{}\nfunc (T) F() {}", "T is exported"},
		{"a method of what is not exported", "type t[K any] struct{}\nfunc (*t[K]) F() {}", ""},
		{"no value", "var a int", "a has no value"},
		{"a mutex", "var mu sync.Mutex", "mu has no value"},
		{"a map to be filled", "var m = make(map[string]int)", "m is made to be changed"},
		{"a pointer", "var p = &T{}", "p is made to be changed"},
		{"a cache", "var c = newCache()", "c is made to be changed"},
		{"an error and a table", "var (\na = errors.New(\"\")\nb = []int{1}\n)", ""},
		{"an expression and a check", "var (\n_ I = new(T)\nc = regexp.MustCompile(``)\n)", ""},
		{"an embedded file", "//go:embed a.json\nvar a []byte", ""},
		{"a table written to", "var a = []int{1}\nfunc f() { a[0] = 2 }", "changes the package's variable a"},
		{"a field counted up", "var a = T{}\nfunc f() { (a).n.m[1]++ }", "changes the package's variable a"},
		{"an address taken", "var a = T{}\nfunc f() { g(&a) }", "changes the package's variable a"},
		{"a local of the same name", "var a = 1\nfunc f() { a := 2; a = 3; func(b int) { b = a }(a) }", ""},
		{"a parameter of the same name", "var a = 1\nfunc f(a int) { a++ }", ""},
		{"a local var of the same name", "var a = 1\nfunc f() { var a int; a++ }", ""},
	} {
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, "x.go", header+test.source, parser.ParseComments)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		got := strings.Join(sourceMistakes(files, []*ast.File{file}), "\n")
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q; want %q", test.name, got, test.want)
		}
	}
}

func TestChangesFromAnotherFile(t *testing.T) {
	files := token.NewFileSet()
	var parsed []*ast.File
	for _, text := range []string{"package x\nfunc f() { a = nil }", "package x\nvar a = []int{1}"} {
		file, err := parser.ParseFile(files, fmt.Sprint(len(parsed)), text, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	if got := sourceMistakes(files, parsed); len(got) != 1 || !strings.HasPrefix(got[0], "0:2:12: changes") {
		t.Errorf("got %q", got)
	}
}

func TestLayoutMistakes(t *testing.T) {
	for text, want := range map[string]int{
		"package x\n": 0,
		strings.Repeat("ä", maxLineWidth) + "\n":          0,
		strings.Repeat("x", maxLineWidth+1) + "\n":        1,
		"// " + "TO" + "DO: later\n":                      1,
		strings.Repeat("x\n", maxFileLines):               1,
		strings.Repeat("x\n", maxFileLines-1):             0,
		"// https://x/" + strings.Repeat("x", 200) + "\n": 0,
	} {
		if got := layoutMistakes(text); len(got) != want {
			t.Errorf("%.40q: got %v", text, got)
		}
	}
}
