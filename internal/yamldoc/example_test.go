package yamldoc_test

import (
	"fmt"
	"time"

	"github.com/rongate/rongate/internal/yamldoc"
)

func Example() {
	doc := yamldoc.Parse("gateway.yaml", []byte(`
listen: 127.0.0.1:8080
drainGrace: 1d
nodes:
  - {address: "10.0.0.1:3306", zone: a}
  - {address: "10.0.0.2:3306", zone: 2, szie: 4}
`))
	root := doc.Root()
	fmt.Println(root.Required("listen").Text(""))
	fmt.Println(root.Optional("drainGrace").Duration(5*time.Second, 0, 48*time.Hour))
	fmt.Println(root.Optional("maxEntries").Int(1000, 1, 10_000))
	for _, item := range root.Required("nodes").List() {
		node := item.Map()
		fmt.Println(node.Required("address").Text(""), node.Optional("zone").Text(""), node.Optional("size").Int(2, 1, 64))
	}
	fmt.Println(doc.Err())
	// Output:
	// 127.0.0.1:8080
	// 24h0m0s
	// 1000
	// 10.0.0.1:3306 a 2
	// 10.0.0.2:3306  2
	// gateway.yaml:6: nodes[1].zone: must be text; write it in quotes
	// gateway.yaml:6: nodes[1].szie: unknown field; did you mean size?
}
