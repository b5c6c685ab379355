package catalog

import "github.com/rongate/rongate/internal/yamldoc"

// Hedging is what may be asked for twice at once, on two nodes, for the sake of a view's tail latency: the first answer
// counts. The greater, the less.
type Hedging uint8

// The degrees of Hedging.
const (
	HedgingFull   Hedging = iota // what is slow, a bounded share of all; and what is stuck on a node that stalls
	HedgingRescue                // what is stuck only
	HedgingOff                   // nothing
)

// ReadHedging reads one of the words for the degrees: full, rescue and off. Default: full.
func ReadHedging(v yamldoc.Value) Hedging {
	switch v.OneOf("full", "full", "rescue", "off") {
	case "rescue":
		return HedgingRescue
	case "off":
		return HedgingOff
	}
	return HedgingFull
}
