package scenario

import (
	"os"
	"strings"
	"testing"
)

// TestReadme reads the scenario that is shown.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../scenarios/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	shown, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("no scenario is shown")
	}
	if _, err := Parse("README.md", []byte(shown)); err != nil {
		t.Error(err)
	}
}
