package scenario

import (
	"context"
	"fmt"

	"github.com/rongate/rongate/internal/faultnet"
	"github.com/rongate/rongate/internal/frauddata"
	"github.com/rongate/rongate/internal/testbed"
)

// A target is what actions are done to. An action on one waits for the one before.
type target struct {
	process testbed.Process
	proxy   *faultnet.Proxy // nil: none
}

// startCluster starts the database of a scenario.
func startCluster(ctx context.Context, d *Database) (testbed.Cluster, error) {
	if err := testbed.Available(d.Kind); err != nil {
		return nil, err
	}
	if d.Kind == testbed.KindNDB {
		cluster, err := testbed.StartNDB(ctx, testbed.NDBConfig{Zones: d.Zones, Proxies: d.Proxies})
		if err != nil {
			return nil, err // and not a Cluster that holds a nil
		}
		return cluster, nil
	}
	cluster, err := testbed.StartMariaDB(ctx, testbed.MariaDBConfig{Zones: d.Zones})
	if err != nil {
		return nil, err
	}
	return cluster, nil
}

// targetsOf lists what can be broken, by the names that scenarios have for it.
func targetsOf(cluster testbed.Cluster, g *gateway) map[string]target {
	all := map[string]target{"gateway": {process: g}}
	for i, n := range cluster.Nodes() {
		all[nodeName(i)] = target{process: n, proxy: n.Proxy}
	}
	switch c := cluster.(type) {
	case *testbed.NDB:
		for i, d := range c.DataNodes() {
			all[dataNodeName(i)] = target{process: d}
		}
		all["management"] = target{process: c.Management()}
	case *testbed.MariaDB:
		all["server"] = target{process: c.Server()}
	}
	return all
}

// do does an action and returns when its effect is there.
func (t target) do(ctx context.Context, a *Action) error {
	switch a.Do {
	case Pause:
		return t.process.Pause()
	case Resume:
		return t.process.Resume()
	case Kill:
		return t.process.Kill()
	case Stop:
		return t.process.Stop(ctx)
	case Start, Restart:
		return t.process.Restart(ctx)
	case Reset:
		t.proxy.Reset()
		return nil
	default:
		return t.proxy.Set(a.Fault) // that of Clear is none
	}
}

// String says what is done: "node2: delay, down 50ms".
func (a *Action) String() string {
	text := a.To + ": " + string(a.Do)
	switch a.Do {
	case BlackHole:
		text = a.To + ": black hole"
	case NoGreeting:
		text = a.To + ": no greeting"
	case Delay:
		for _, way := range []struct {
			name  string
			delay any
			there bool
		}{{"up", a.Fault.DelayUp, a.Fault.DelayUp > 0}, {"down", a.Fault.DelayDown, a.Fault.DelayDown > 0}} {
			if way.there {
				text += fmt.Sprintf(", %v %s", way.delay, way.name)
			}
		}
	case Trickle:
		text += fmt.Sprintf(", %d bytes every %v", a.Fault.Trickle, a.Fault.TrickleEvery)
	case Stragglers:
		text += fmt.Sprintf(", %.4g %% by %v", 100*a.Fault.Stragglers, a.Fault.StragglerDelay)
	}
	return text
}

const (
	rowsPerInsert = 500
	rowsPerScript = 5000 // a script costs a start of the command-line client
)

// loadData makes the tables and fills them.
func loadData(ctx context.Context, cluster testbed.Cluster, data *frauddata.Data) error {
	script := "CREATE DATABASE " + frauddata.Database + ";\n"
	for _, group := range data.Groups() {
		script += group.Create(cluster.Engine(), cluster.KeyOptions()) + ";\n"
	}
	if err := cluster.Exec(ctx, script); err != nil {
		return err
	}
	for _, group := range data.Groups() {
		if err := fill(ctx, cluster, group); err != nil {
			return fmt.Errorf("load %s: %w", group.Table(), err)
		}
	}
	return nil
}

func fill(ctx context.Context, cluster testbed.Cluster, group *frauddata.Group) error {
	const start = "SET time_zone='+00:00';\n"
	script := []byte(start)
	rows := 0
	for row := range group.Rows() {
		separator := ",\n("
		if rows%rowsPerInsert == 0 {
			separator = fmt.Sprintf("INSERT INTO %s.%s VALUES\n(", frauddata.Database, group.Table())
		}
		script = append(script, separator...)
		for i, value := range row {
			if i > 0 {
				script = append(script, ',')
			}
			script = frauddata.Literal(script, value)
		}
		script = append(script, ')')
		if rows++; rows%rowsPerInsert == 0 || rows == group.Count() {
			script = append(script, ";\n"...)
		}
		if rows%rowsPerScript == 0 || rows == group.Count() {
			if err := cluster.Exec(ctx, string(script)); err != nil {
				return err
			}
			script = script[:len(start)]
		}
	}
	return nil
}
