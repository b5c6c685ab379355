package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rongate/rongate/internal/yamldoc"
	"github.com/rongate/rongate/lookup"
)

// config is what the baseline takes from rongate's configuration file.
type config struct {
	zone           string
	nodes          []lookup.NodeConfig // those of the zone, or all if there is none
	user, password string
	catalogue      string // path
	deadline       time.Duration
}

func readConfig(path string) (*config, error) {
	doc, err := yamldoc.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w; name it with --config", err)
	}
	beside := func(file string) string {
		if filepath.IsAbs(file) {
			return file
		}
		return filepath.Join(filepath.Dir(path), file)
	}
	root := doc.Root()
	c := &config{
		zone:      cmp.Or(os.Getenv("RONGATE_ZONE"), root.Optional("zone").Text("")),
		catalogue: beside(root.Required("catalog").Map().Required("file").Text("")),
		deadline:  root.Optional("deadline").Duration(500*time.Millisecond, time.Millisecond, time.Minute),
	}
	for _, item := range root.Required("nodes").List() {
		m := item.Map()
		n := lookup.NodeConfig{Address: m.Required("address").Text(""), Zone: m.Optional("zone").Text("")}
		c.nodes = append(c.nodes, n)
	}
	own := slices.DeleteFunc(slices.Clone(c.nodes), func(n lookup.NodeConfig) bool { return n.Zone != c.zone })
	if len(own) > 0 {
		c.nodes = own
	}
	database := root.Required("database").Map()
	c.user = database.Required("user").Text("")
	c.password = os.Getenv(database.Optional("passwordEnv").Text(""))
	if file := database.Optional("passwordFile"); file.Present() {
		text, err := os.ReadFile(beside(file.Text("")))
		if err != nil {
			file.Fail("%v", err)
		}
		c.password = strings.TrimRight(string(text), "\r\n")
	}
	if tls := database.Optional("tls"); tls.Written() {
		tls.Fail("the baseline connects in plain text only; compare without TLS")
	}
	return c, doc.Report.Err() // not doc.Err, which would report all that rongate alone reads
}
