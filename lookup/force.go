package lookup

import "fmt"

// A Force is what an operator has a node be, whatever is known of it.
type Force string

// The forces.
const (
	ForceNone    Force = "auto"    // what is known of the node decides
	ForceClosed  Force = "closed"  // used whenever it is connected, whatever its statements come to
	ForceOpen    Force = "open"    // not used, even where there is no other
	ForceDrained Force = "drained" // not used, and without connections once its statements have ended
)

// Force has the nodes at an address be so until it is called again, through changes of the configuration too, but not
// longer than this process lives.
func (r *Reader) Force(address string, f Force) error {
	return fmt.Errorf("lookup: no node at %s", address)
}
