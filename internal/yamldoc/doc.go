// Package yamldoc reads a YAML file into typed Go values and finds every mistake in it, not only the first, each with
// its file, line, field and what would mend it.
//
// A file is read through cursors: Root gives the top mapping, Required and Optional a Value, and a Value's methods the
// typed content. Nothing returns an error on the way; a value that is wrong is recorded and its default returned, so
// that reading goes on. Doc.Err then lists all that was recorded, and every field that nobody asked for:
//
//	doc, err := yamldoc.ReadFile("rongate.yaml")
//	if err != nil {
//		return err // the file cannot be read
//	}
//	root := doc.Root()
//	address := root.Required("address").Text("")
//	grace := root.Optional("drainGrace").Duration(5*time.Second, 0, time.Minute)
//	for _, node := range root.Required("nodes").List() {
//		m := node.Map()
//		…
//	}
//	if err := doc.Err(); err != nil {
//		return err // yamldoc.Problems, one a line
//	}
//
// A value keeps its Pos, so that a mistake that shows only later, such as a column that the table does not have, is
// reported at its line all the same: see Report.
//
// It refuses what makes YAML treacherous in a configuration: aliases, duplicate fields, several documents in one file,
// and numbers or booleans where text belongs. It knows nothing of what a file means; catalog, server and cmd do.
package yamldoc
