package arch

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-json"
)

const module = "github.com/rongate/rongate"

// allowed lists the packages of this module that each package may import outside its tests. A package that is not
// listed may not exist: whoever adds one decides here where it belongs.
func allowed() map[string][]string {
	return map[string][]string{
		"column":            {},
		"contract":          {},
		"breaker":           {},
		"pool":              {"column", "pool/protocol"},
		"pool/protocol":     {"column"},
		"catalog":           {"column", "internal/yamldoc"},
		"avro":              {"column"},
		"hopsworks":         {"avro", "catalog", "column", "pool"},
		"lookup":            {"breaker", "catalog", "column", "internal/hist", "pool"},
		"vectors":           {"catalog", "column", "internal/hist", "lookup"},
		"server":            {"catalog", "contract", "internal/hist", "internal/yamldoc", "vectors"},
		"loadtest":          {},
		"loadtest/features": {"internal/frauddata", "loadtest"},
		"loadtest/report":   {"loadtest"},
		"loadtest/scenario": {
			"internal/faultnet", "internal/frauddata", "internal/testbed", "internal/yamldoc", "loadtest", "loadtest/features",
			"loadtest/report",
		},
		"bench":          {anything},
		"bench/baseline": {"catalog", "column", "internal/yamldoc", "lookup", "pool", "vectors"},
		"bench/costplot": {},
		"bench/floor":    {"internal/frauddata", "internal/yamldoc"},
		"bench/gateways": {"internal/frauddata", "internal/testbed"},
		"bench/rows":     {"column", "internal/testbed", "pool"},

		"cmd/rongate":          {"catalog", "column", "hopsworks", "internal/yamldoc", "lookup", "pool", "server", "vectors"},
		"cmd/rongate-demo":     {anything},
		"cmd/rongate-loadtest": {anything},

		"deploy/kubernetes": {},
		"examples":          {},

		"internal/arch":      {},
		"internal/devdb":     {"catalog", "column"},
		"internal/e2e":       {anything},
		"internal/fakenode":  {"column", "lookup", "pool"},
		"internal/faultnet":  {},
		"internal/frauddata": {},
		"internal/hist":      {},
		"internal/hopsdb":    {},
		"internal/testbed":   {"internal/faultnet"},
		"internal/yamldoc":   {},
	}
}

const anything = "*"

// users lists the packages that may import a package from outside the module, tests aside. What is not listed here is
// free for all.
func users() map[string][]string {
	return map[string][]string{
		"github.com/valyala/fasthttp":         {"server", "loadtest", "loadtest/features", "bench", "bench/floor"},
		"github.com/go-sql-driver/mysql":      {"pool", "internal/testbed", "bench", "bench/baseline", "bench/floor"},
		"github.com/sony/gobreaker/v2":        {"breaker"},
		"github.com/hamba/avro/v2":            {"avro"},
		"github.com/prometheus/client_golang": {"server"},
		"github.com/alecthomas/kong":          {"cmd/rongate", "cmd/rongate-demo", "cmd/rongate-loadtest"},
		"go.uber.org/automaxprocs":            {"cmd/rongate", "cmd/rongate-demo", "cmd/rongate-loadtest"},
		"go.yaml.in/yaml/v3":                  {"internal/yamldoc"},
		"k8s.io":                              {}, // the tests of deploy/kubernetes
		"sigs.k8s.io":                         {},
		"database/sql":                        {"pool", "bench", "bench/baseline", "bench/floor", "internal/testbed"},
		"github.com/dolthub":                  {"internal/devdb"},
		"testing":                             {"internal/testbed", "internal/fakenode"},
	}
}

// neverLinked is what the production binary must not contain: servers for tests, and what only tests need.
func neverLinked() []string {
	return []string{
		"testing", "github.com/dolthub/go-mysql-server",
		module + "/internal/devdb", module + "/internal/testbed", module + "/internal/faultnet",
		module + "/internal/fakenode", module + "/internal/hopsdb", module + "/bench", module + "/loadtest",
	}
}

// goPackage is what go list says of a package.
type goPackage struct {
	ImportPath string
	Dir        string
	Name       string
	Doc        string
	GoFiles    []string
	Imports    []string
	Deps       []string
}

func list(t *testing.T, args ...string) []goPackage {
	t.Helper()
	args = append([]string{"list", "-json=ImportPath,Dir,Name,Doc,GoFiles,Imports,Deps"}, args...)
	command := exec.Command("go", args...)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &complaints)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// inModule returns a package's path within the module.
func inModule(path string) (string, bool) { return strings.CutPrefix(path, module+"/") }

func TestImports(t *testing.T) {
	for _, p := range list(t, module+"/...") {
		name, _ := inModule(p.ImportPath)
		for _, mistake := range importMistakes(name, p.Imports) {
			t.Error(mistake)
		}
	}
}

// importMistakes returns what is wrong with the imports of the package of that name.
func importMistakes(name string, imports []string) []string {
	rule, known := allowed()[name]
	if !known {
		return []string{name + ": a package that the table of allowed imports does not know"}
	}
	var mistakes []string
	for _, path := range imports {
		if own, ok := inModule(path); ok {
			if !slices.Contains(rule, own) && !slices.Contains(rule, anything) {
				mistakes = append(mistakes, name+": must not import "+own)
			}
			continue
		}
		for foreign, users := range users() {
			if (path == foreign || strings.HasPrefix(path, foreign+"/")) && !slices.Contains(users, name) {
				mistakes = append(mistakes, name+": must not import "+path)
			}
		}
	}
	return mistakes
}

func TestImportMistakes(t *testing.T) {
	for _, test := range []struct {
		name    string
		imports []string
		want    int
	}{
		{"pool", []string{"fmt", module + "/column", "github.com/go-sql-driver/mysql"}, 0},
		{"pool", []string{module + "/breaker"}, 1},
		{"vectors", []string{module + "/pool", "github.com/valyala/fasthttp", "testing"}, 3},
		{"vectors", []string{"github.com/valyala/fasthttp/fasthttputil"}, 1},
		{"newcomer", nil, 1},
		{"bench", []string{module + "/server"}, 0},
	} {
		if got := importMistakes(test.name, test.imports); len(got) != test.want {
			t.Errorf("%s with %v: %v", test.name, test.imports, got)
		}
	}
}

// TestRulesNameRealImports finds names that are misspelt in the table, and so allow nothing.
func TestRulesNameRealImports(t *testing.T) {
	rules := allowed()
	for name, imports := range rules {
		for _, path := range imports {
			if _, known := rules[path]; !known && path != anything {
				t.Errorf("%s may import %s, which is not in the table", name, path)
			}
		}
	}
}

func TestProductionBinaryLinksNoTestSupport(t *testing.T) {
	packages := list(t, module+"/cmd/rongate")
	if len(packages) != 1 || !slices.Contains(packages[0].Deps, module+"/server") {
		t.Fatalf("go list found %v", packages)
	}
	for _, path := range neverLinked() {
		if slices.Contains(packages[0].Deps, path) {
			t.Errorf("cmd/rongate links %s", path)
		}
	}
}

func TestPackageDocs(t *testing.T) {
	for _, p := range list(t, module+"/...") {
		want := "Package " + p.Name + " "
		if p.Name == "main" {
			want = "Command " + p.ImportPath[strings.LastIndexByte(p.ImportPath, '/')+1:] + " "
		}
		if len(p.GoFiles) > 0 && !strings.HasPrefix(p.Doc, want) {
			t.Errorf("%s: the package comment begins %q; want %q", p.ImportPath, p.Doc, want)
		}
	}
}
