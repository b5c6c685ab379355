package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rongate/rongate/server"
)

type keyCmd struct {
	Name  string   `default:"caller" help:"${name}"`
	Views []string `default:"*" placeholder:"VIEW" help:"${views}"`
}

// Run prints a key of 256 random bits. rongate keeps nothing of it: the file of API keys has only its SHA-256, from
// which a key of that many random bits cannot be found. A key that a person makes up should be at least 32 characters
// long, since short ones can be found by trying.
func (c *keyCmd) Run(out output) error {
	if len(c.Views) == 0 {
		return errors.New(`--views: is empty; "*" is everything`)
	}
	for _, view := range c.Views {
		if err := server.CheckViews(view); err != nil {
			return fmt.Errorf("--views: %w", err)
		}
	}
	key, digest := server.NewKey()
	views := make([]string, len(c.Views))
	for i, view := range c.Views {
		views[i] = fmt.Sprintf("%q", view)
	}
	_, err := fmt.Fprintf(out.stdout, `The key, for its caller to send in the header X-API-Key; it is not kept anywhere:

%s

Its line for the file of API keys, under "keys:":

  - {name: %q, sha256: "%s", views: [%s]}
`, key, c.Name, digest, strings.Join(views, ", "))
	return err
}
