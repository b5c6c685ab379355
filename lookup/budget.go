package lookup

import (
	"cmp"

	"github.com/rongate/rongate/pool"
)

// A budget bounds what is done beside the statements that calls ask for, to a share of them: each of those earns it
// some, each thing done costs it one.
type budget struct {
	left  float64
	share float64 // what a statement earns
	most  float64 // what can be saved up: one event may break all connections at once
}

func (b *budget) earn() { b.left = min(b.left+b.share, b.most) }

// spend reports whether there is one to be had, and takes it.
func (b *budget) spend() bool {
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// afford has the budget save up as many, and fills it when it is new.
func (b *budget) afford(most float64) {
	if b.most == 0 {
		b.left = most
	}
	b.most = most
	b.left = min(b.left, most)
}

const (
	// retryShare is the share of statements that may be tried again after they failed: more would add to what makes them
	// fail.
	retryShare = 0.1

	// rescueShare is the share of statements that may be asked for elsewhere while they run.
	rescueShare = 0.025

	// leastSaved is how many of either there may be at once on the smallest of clusters.
	leastSaved = 16
)

// afford fits the budgets to the nodes: all that runs may fail at once, or have to be rescued. Reader.mu is held.
func (r *Reader) afford() {
	connections := 0
	for _, n := range r.nodes {
		connections += cmp.Or(n.access.Size, pool.DefaultSize)
	}
	r.retries.share, r.rescues.share, r.hedges.share = retryShare, rescueShare, hedgeShare
	r.retries.afford(float64(max(leastSaved, 2*connections)))
	r.rescues.afford(float64(max(leastSaved, 2*connections)))
	r.hedges.afford(float64(max(leastHedges, connections/2)))
}
