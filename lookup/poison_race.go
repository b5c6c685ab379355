//go:build race

package lookup

// poisonBlocks makes use after release visible in tests, which run with the race detector.
const poisonBlocks = true
