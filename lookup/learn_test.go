package lookup

import "testing"

// TestLearn: what is shareable goes up by one where it is reached, and never by what was too large.
func TestLearn(t *testing.T) {
	p := &Plan{maxKeys: 128, shareable: 128}
	for _, step := range []struct {
		keys     int
		tooLarge bool
		want     int
	}{
		{100, false, 128},
		{16, true, 8},
		{128, true, 8}, // it had begun before
		{7, false, 8},
		{8, false, 9},
		{1, true, 1},
		{1, true, 1},
		{128, false, 2},
	} {
		if p.learn(step.keys, step.tooLarge); p.shareable != step.want {
			t.Fatalf("after %+v: %d", step, p.shareable)
		}
	}
}
