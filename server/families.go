package server

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// family is what is the same of all series of a name.
type family struct {
	desc *prometheus.Desc
	kind prometheus.ValueType // notOne for a histogram
}

// notOne is the kind of a series that is more than one value.
const notOne prometheus.ValueType = 0

// group is names of one kind with the same labels, each with its help.
type group struct {
	kind   prometheus.ValueType
	labels []string
	help   [][2]string
}

// families are the names that Stats are rendered under. A label is a node's address or zone, a feature view of the
// catalogue, of which only so many have series of their own, or one of a few words: no request can add a series.
func families() map[string]family {
	all := map[string]family{}
	for _, g := range slices.Concat(requestGroups(), healthGroups(), nodeGroups()) {
		for _, h := range g.help {
			all[h[0]] = family{prometheus.NewDesc(h[0], h[1], g.labels, nil), g.kind}
		}
	}
	return all
}

// requestGroups are of what requests ask for and wait for.
func requestGroups() []group {
	view := []string{"feature_store", "feature_view", "version"}
	return []group{
		{prometheus.CounterValue, nil, [][2]string{
			{"rongate_entries_total", "Entries answered."},
			{"rongate_lookup_refused_total", "Look-ups refused because the queues or the memory for rows were full."},
			{"rongate_lookup_retries_total", "Look-ups tried again after a statement failed."},
			{"rongate_lookup_abandoned_total", "Look-ups whose request left at its deadline."},
			{"rongate_lookup_merged_total", "Look-ups that went into the statement of another, for having waited with it."},
			{"rongate_lookup_shared_keys_total", "Keys that were not asked for again because the statement did already."},
		}},
		{notOne, view, [][2]string{
			{"rongate_view_request_duration_seconds", "Time from the end of a request's headers until its answer or " +
				"problem was ready, by feature view: look at the quantiles, beside the codes of rongate_view_requests_total."},
		}},
		{prometheus.CounterValue, append(view, "code"), [][2]string{
			{"rongate_view_requests_total", "Requests by feature view and the code they ended with: ok, or that of the " +
				"problem. View none is for requests refused before the view was known, other for the views beyond the first 100."},
		}},
		{prometheus.CounterValue, append(view, "status"), [][2]string{
			{"rongate_vectors_total", "Vectors answered, by feature view and status: look at the share that is not COMPLETE."},
		}},
		{prometheus.GaugeValue, nil, [][2]string{
			{"rongate_feature_views", "Feature views in the catalogue."},
			{"rongate_nodes_leaving", "Nodes that a change of the configuration has taken out or connects to anew, and that " +
				"serve on because those that are to replace them do not yet."},
			{"rongate_lookup_queued", "Look-ups that wait for a connection."},
			{"rongate_lookup_blocks", "Blocks in use."},
			{"rongate_lookup_live_bytes", "Bytes that blocks in use hold."},
		}},
		{notOne, nil, [][2]string{
			{"rongate_lookup_queue_seconds", "Time that look-ups waited for a connection, of those that found none free: " +
				"look at it where nodes are fast and views are slow."},
		}},
	}
}

// healthGroups are of whether nodes are used, why, and what is done where they fail.
func healthGroups() []group {
	node := []string{"node", "zone"}
	return []group{
		{prometheus.GaugeValue, append(node, "state"), [][2]string{
			{"rongate_node_state", "Whether the node is in the state: serving; ramping, being new or back; suspect, a statement " +
				"being overdue; open, its statements having failed; down; forced out of use. One state of each node is 1."},
		}},
		{prometheus.GaugeValue, node, [][2]string{
			{"rongate_node_state_since_timestamp_seconds", "Since when the node is in its state."},
			{"rongate_node_forced", "Whether an operator has forced the node to be used or not."},
			{"rongate_node_pace", "Moving average of what the node's statements take, as a multiple of what such statements " +
				"take on all nodes."},
			{"rongate_node_average_seconds", "Moving average of what the node's statements take."},
			{"rongate_node_oldest_statement_seconds", "Age of the oldest statement running on the node, 0 while there is none."},
			{"rongate_node_patience_seconds", "Age at which a statement makes the node suspect."},
		}},
		{prometheus.CounterValue, node, [][2]string{
			{"rongate_node_transitions_total", "Changes of the node's state: a node that comes and goes has many."},
			{"rongate_node_suspicions_total", "Times that the node became suspect."},
			{"rongate_node_ejections_total", "Times that the node was taken out of use because its statements failed or were slow."},
			{"rongate_node_probes_total", "Statements sent to see whether the node answers again."},
			{"rongate_node_rescued_total", "Statements of the node whose keys were asked for elsewhere while they ran."},
		}},
		{prometheus.CounterValue, []string{"class"}, [][2]string{
			{"rongate_statement_retries_total", "Statements whose keys were asked for again, by class: elsewhere, the connection " +
				"or the node having failed; later, after a pause; apart, each look-up by itself; rescue, on another node while " +
				"they ran. Those denied were not, the budget of retries being used up."},
		}},
		{prometheus.CounterValue, nil, [][2]string{
			{"rongate_hedges_total", "Statements sent to a second node because another was slow to answer them."},
			{"rongate_hedges_denied_total", "Statements that were not, the budget being used up."},
		}},
		{prometheus.CounterValue, []string{"outcome"}, [][2]string{
			{"rongate_hedges_ended_total", "Statements sent to a second node that have ended: won, before the first, or lost, " +
				"which failed ones have."},
		}},
		{prometheus.GaugeValue, []string{"keys"}, [][2]string{
			{"rongate_hedge_delay_seconds", "Age at which statements for so many keys at most are asked for on a second node; 0 " +
				"while too few statements have shown what they take."},
		}},
	}
}

// nodeGroups are of what nodes do.
func nodeGroups() []group {
	node := []string{"node", "zone"}
	return []group{
		{prometheus.GaugeValue, node, [][2]string{
			{"rongate_node_up", "Whether the node has an established connection."},
			{"rongate_node_local", "Whether the node is in rongate's own zone."},
			{"rongate_node_statements_running", "Statements running on the node."},
			{"rongate_pool_size", "Connections wanted."},
			{"rongate_pool_prepared_statements", "Prepared statements open on the node."},
		}},
		{notOne, node, [][2]string{
			{"rongate_node_statement_duration_seconds", "Time that statements took on the node, failed ones and those that " +
				"nobody waited for any more too: compare nodes and zones."},
			{"rongate_statement_keys", "Distinct keys of a statement: the more, the fewer round trips."},
		}},
		{prometheus.CounterValue, append(node, "class"), [][2]string{
			{"rongate_node_errors_total", "Statements that failed, by class: timeout and broken speak of the node, transient of " +
				"the cluster, stale and other of the table."},
		}},
		{prometheus.GaugeValue, append(node, "state"), [][2]string{
			{"rongate_pool_connections", "Connections, by state; dialing are not established yet."},
		}},
		{prometheus.CounterValue, node, [][2]string{
			{"rongate_node_statements_total", "Statements begun."},
			{"rongate_node_keys_total", "Distinct keys that statements asked for."},
			{"rongate_pool_leases_total", "Connections leased for a statement."},
			{"rongate_pool_detaches_total", "Statements left to end by themselves because nobody waited any more."},
			{"rongate_pool_breaks_total", "Connections lost while in use."},
			{"rongate_pool_dials_total", "Connections dialed."},
			{"rongate_pool_dial_errors_total", "Dials that failed, warm-up included."},
			{"rongate_pool_pings_total", "Keep-alive pings."},
			{"rongate_pool_ping_errors_total", "Keep-alive pings that failed."},
			{"rongate_pool_replaced_total", "Connections replaced for their age."},
			{"rongate_pool_prepares_total", "Statements prepared; steady growth means that the cache is too small."},
		}},
	}
}
