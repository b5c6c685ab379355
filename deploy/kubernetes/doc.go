// Package kubernetes holds manifests that run rongate on Kubernetes, beside a model or as a gateway of its own, and the
// tests that keep them true: they are of the API's own types, they agree with each other and with the configuration
// within them, and the program accepts that configuration. It has no code of its own besides; README.md says how the
// manifests are used. Its neighbours are cmd/rongate, which the tests build, and examples.
package kubernetes
