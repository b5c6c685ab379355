package scenario

import (
	"context"
	"fmt"
	"strings"

	"github.com/rongate/rongate/internal/faultnet"
	"github.com/rongate/rongate/internal/testbed"
)

// A target is what actions are done to. An action on one waits for the one before.
type target struct {
	process testbed.Process
	proxy   *faultnet.Proxy // nil: none
	node    *testbed.Node   // nil: it is none
	gateway *gateway        // nil: it is not
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
	all := map[string]target{gatewayName: {process: g, gateway: g}}
	for i, n := range cluster.Nodes() {
		all[nodeName(i)] = target{process: n, proxy: n.Proxy, node: n}
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
	case Configure:
		return t.gateway.configure(ctx, a.Text)
	case Reset:
		t.proxy.Reset()
		return nil
	case Down:
		err := t.proxy.Set(a.Fault)
		t.proxy.Reset()
		return err
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
	case ResetAfter:
		text = fmt.Sprintf("%s: reset after %d bytes", a.To, a.Fault.ResetAfter)
	case Refuse:
		text += fmt.Sprintf(", %d %s", a.Fault.Refusal.Number, a.Fault.Refusal.Message)
	case Errors:
		text += fmt.Sprintf(", %.4g %% with %d %s", 100*a.Fault.Errors, a.Fault.Error.Number, a.Fault.Error.Message)
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
	case Configure:
		text += ", " + strings.ReplaceAll(strings.TrimSpace(a.Text), "\n", ", ")
	case Stragglers:
		text += fmt.Sprintf(", %.4g %% by %v", 100*a.Fault.Stragglers, a.Fault.StragglerDelay)
	}
	if a.Fault.Times > 0 {
		text += fmt.Sprintf(", %d times", a.Fault.Times)
	}
	return text
}
