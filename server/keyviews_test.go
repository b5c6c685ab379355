package server

import (
	"errors"
	"strings"
	"testing"

	"github.com/rongate/rongate/internal/yamldoc"
)

// TestUnmatched finds the patterns that give no rights, at their lines, and the views that nobody may read.
func TestUnmatched(t *testing.T) {
	keys := keysOf(t, "keys:\n"+
		"  - name: fraud\n"+
		"    sha256: "+digestOf(fraudKey)+"\n"+
		"    views:\n"+
		"      - payments/fraud\n"+
		"      - payments/fruad\n"+
		"      - shared/*\n"+
		"  - {name: other, sha256: "+digestOf(sharedKey)+", views: [payment/*]}\n")
	views := []ViewName{{"payments", "fraud"}, {"payments", "churn"}, {"payments", "fraud"}}
	var problems yamldoc.Problems
	if err := keys.Unmatched(views); !errors.As(err, &problems) || len(problems) != 3 {
		t.Fatalf("got %v", err)
	}
	for i, want := range []string{
		":6: keys[0].views[1]: payments/fruad matches no feature view of the catalogue; did you mean payments/fraud?",
		":7: keys[0].views[2]: shared/* matches no feature view of the catalogue; there is only payments/*",
		":8: keys[1].views[0]: payment/* matches no feature view of the catalogue; did you mean payments/*?",
	} {
		if got := problems[i].String(); !strings.Contains(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if unread := keys.Unread(views); len(unread) != 1 || unread[0] != views[1] {
		t.Errorf("unread: %v", unread)
	}
	all := keysOf(t, threeKeys())
	if err := all.Unmatched(append(views, ViewName{"payments", "refunds"}, ViewName{"shared", "fx"})); err != nil {
		t.Error(err)
	}
	if unread := all.Unread(views); unread != nil {
		t.Errorf("with a key for everything: %v", unread)
	}
}
