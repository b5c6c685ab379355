//go:build !race

package lookup

// poisonBlocks is off in production builds.
const poisonBlocks = false
