// Package arch holds the rules of the repository's structure as tests: who may import whom, what a production binary
// may link, and what every file must look like. It has no code of its own besides; its neighbours are all packages.
package arch
