package scenario

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// scenarioEnv names scenarios to be run by TestScenarios, with spaces between; "all" for all.
const scenarioEnv = "RONGATE_SCENARIOS"

// TestScenarios reads the scenarios of the repository, and runs those that are asked for. Their verdicts are logged: how
// well rongate does on this machine is not for a test to say.
func TestScenarios(t *testing.T) {
	paths, err := filepath.Glob("../scenarios/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%v, %v", paths, err)
	}
	asked := strings.Fields(os.Getenv(scenarioEnv))
	for _, path := range paths {
		f, err := ReadFile(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if f.Name+".yaml" != filepath.Base(path) || f.Load.Length() > time.Minute {
			t.Errorf("%s is %s, and takes %v", path, f.Name, f.Load.Length())
		}
		for _, name := range asked {
			if name == f.Name || name == "all" {
				t.Run(f.Name, func(t *testing.T) { runLogged(t, f) })
			}
		}
	}
}

func runLogged(t *testing.T, f File) {
	got, err := Run(t.Context(), f, Config{Say: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range got.Events {
		t.Logf("%8v %s", e.At.Round(time.Millisecond), e.What)
	}
	result := got.Loads[0].Result
	t.Logf("%d requests, failed %v %v", result.Total.Due, result.Total.Failed, result.Examples)
	for i := range result.Windows {
		w := &result.Windows[i]
		t.Logf("%5v %5d requests, %3d failed, p50 %v, p99 %v, longest %v", w.Start, w.Due, w.Failures(),
			w.Quantile(0.5), w.Quantile(0.99), w.Quantile(1))
	}
	for _, v := range got.Verdicts {
		t.Logf("%-5v %s: %s; %s", v.Passed, v.What, v.Got, v.Want)
	}
}
