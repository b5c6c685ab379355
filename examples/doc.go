// Package examples holds a configuration, a catalogue and a file of API keys in which every field is shown and explained,
// and the tests that keep them true: the program accepts them, and they and the README name the same fields with the same
// defaults. It has no code of its own besides. Its neighbours are cmd/rongate, which the tests build, and
// deploy/kubernetes.
package examples
