package examples

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func text(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// uncomment brings to life every line that shows a field as "#name:", but for the fields named in leave.
func uncomment(t *testing.T, file string, leave ...string) string {
	t.Helper()
	shown := regexp.MustCompile(`(?m)^( *(?:- )?)#(\w+:.*)$`)
	return shown.ReplaceAllStringFunc(text(t, file), func(line string) string {
		part := shown.FindStringSubmatch(line)
		if name, _, _ := strings.Cut(part[2], ":"); slices.Contains(leave, name) {
			return line
		}
		return part[1] + part[2]
	})
}

// fields returns the scalars of a YAML document by path, as the README's tables write it: nodes[].zone, say. A list of
// scalars is one field, and so is a map whose names are the user's own.
func fields(t *testing.T, content string) map[string]string {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(content), &document); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	var walk func(path string, n *yaml.Node)
	walk = func(path string, n *yaml.Node) {
		switch {
		case n.Kind == yaml.MappingNode && !strings.HasSuffix(path, ".keys"):
			for i := 0; i < len(n.Content); i += 2 {
				walk(strings.TrimPrefix(path+"."+n.Content[i].Value, "."), n.Content[i+1])
			}
		case n.Kind == yaml.SequenceNode:
			for _, item := range n.Content {
				if item.Kind == yaml.MappingNode {
					walk(path+"[]", item)
				} else {
					found[path] = item.Value
				}
			}
		default:
			found[path] = n.Value
		}
	}
	walk("", document.Content[0])
	return found
}

// readmeTable returns the fields of the table in a section of the README, by path the default. A field that is written
// ".name" belongs to what the field before it belongs to.
func readmeTable(t *testing.T, section string) map[string]string {
	t.Helper()
	_, rest, found := strings.Cut(text(t, "../README.md"), "\n## "+section+"\n")
	if !found {
		t.Fatalf("the README has no section %q", section)
	}
	_, rest, _ = strings.Cut(rest, "\n|---|---|---|\n")
	table := map[string]string{}
	name := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(rest) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 {
			break
		}
		before := ""
		for _, match := range name.FindAllStringSubmatch(cells[1], -1) {
			path := match[1]
			if parent := strings.LastIndexByte(before, '.'); parent >= 0 && path[0] == '.' {
				path = before[:parent] + path
			}
			table[path], before = strings.TrimSpace(cells[2]), path
		}
	}
	return table
}

// TestConfigurationIsThatOfTheREADME: the same fields, and the same defaults.
func TestConfigurationIsThatOfTheREADME(t *testing.T) {
	shown, told := fields(t, uncomment(t, "rongate.yaml")), readmeTable(t, "Configuration")
	if len(told) < 40 {
		t.Fatalf("the README's table was not found whole: %v", told)
	}
	for _, path := range slices.Sorted(maps.Keys(told)) {
		value, ok := shown[path]
		if !ok && path != "database.tls" {
			t.Errorf("rongate.yaml does not show %s", path)
		}
		plain := strings.Trim(told[path], "`")
		if ok && "`"+plain+"`" == told[path] && plain != value {
			t.Errorf("rongate.yaml shows %s: %s; its default is %s", path, value, plain)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(shown)) {
		if _, ok := told[path]; !ok {
			t.Errorf("the README's table has no %s", path)
		}
	}
}

// TestCatalogueShowsWhatTheREADMETells goes by the fields' own names: the table shortens the paths.
func TestCatalogueShowsWhatTheREADMETells(t *testing.T) {
	last := func(path string) string {
		return strings.TrimSuffix(path[strings.LastIndexByte(path, '.')+1:], "[]")
	}
	shown := map[string]bool{}
	for path := range fields(t, uncomment(t, "catalog.yaml")) {
		for step := range strings.SplitSeq(path, ".") {
			shown[last(step)] = true
		}
	}
	told := readmeTable(t, "Catalogue")
	if len(told) < 15 {
		t.Fatalf("the README's table was not found whole: %v", told)
	}
	for path := range told {
		if !shown[last(path)] {
			t.Errorf("catalog.yaml does not show %s", path)
		}
	}
}

// TestProgramAcceptsExamples: as they are, and with every field that they show.
func TestProgramAcceptsExamples(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "rongate")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../cmd/rongate")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ofMetadata := []string{"hopsworks", "schema", "nodes", "database", "snapshot", "poll", "compare", "reread", "apiKeys"}
	for _, tc := range []struct {
		name     string
		config   string
		accepted bool
	}{
		{"as it is", text(t, "rongate.yaml"), true},
		{"every field", uncomment(t, "rongate.yaml", append(ofMetadata, "passwordEnv")...), true},
		{
			"the metadata layer of Hopsworks",
			strings.Replace(uncomment(t, "rongate.yaml", "passwordEnv"), "\n  file: catalog.yaml\n", "\n", 1), true,
		},
		{"a file and the metadata layer", uncomment(t, "rongate.yaml", "passwordEnv"), false},
		{
			"password from the environment",
			strings.Replace(uncomment(t, "rongate.yaml", ofMetadata...), "\n  passwordFile: password.txt\n", "\n", 1), true,
		},
		{"a misspelt field", text(t, "rongate.yaml") + "\nlisten_: x\n", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			certificate, key := pair(t)
			for name, content := range map[string]string{
				"rongate.yaml":   tc.config,
				"catalog.yaml":   uncomment(t, "catalog.yaml"),
				"keys.yaml":      uncomment(t, "keys.yaml"),
				"password.txt":   "secret\n",
				"ca.pem":         certificate,
				"client.pem":     certificate,
				"client-key.pem": key,
			} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			check := exec.CommandContext(t.Context(), binary, "check", "--offline", "--config", "rongate.yaml")
			check.Dir = dir
			check.Env = []string{"RONGATE_DATABASE_PASSWORD=secret"}
			if out, err := check.CombinedOutput(); (err == nil) != tc.accepted {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// pair makes a certificate that signs itself, and its private key.
func pair(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}
