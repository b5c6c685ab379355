package server

import (
	"strings"

	"github.com/rongate/rongate/internal/yamldoc"
)

// A ViewName is a feature view, whatever its version: what a key has rights in.
type ViewName struct{ Store, View string }

// pattern is one of the patterns of a file of API keys, with its place.
type pattern struct {
	at   yamldoc.Pos
	text string
}

// Unmatched reports every pattern of the file that matches none of the views, as yamldoc.Problems. It is no mistake of
// the file alone, and may be meant for a view that comes later.
func (k *Keys) Unmatched(views []ViewName) error {
	var names, stores []string
	for _, v := range views {
		names, stores = append(names, v.Store+"/"+v.View), append(stores, v.Store+"/*")
	}
	var report yamldoc.Report
	for _, p := range k.patterns {
		rights := newAccess()
		rights.add(p.text)
		if mayReadAny(rights, views) {
			continue
		}
		choices := names
		if strings.HasSuffix(p.text, "/*") {
			choices = stores
		}
		report.Add(p.at, "%s matches no feature view of the catalogue; %s", p.text, yamldoc.Suggest(p.text, choices))
	}
	return report.Err()
}

// Unread returns the views that no key may read.
func (k *Keys) Unread(views []ViewName) []ViewName {
	var unread []ViewName
	for _, v := range views {
		read := false
		for _, a := range k.byDigest {
			read = read || a.covers(v.Store, v.View)
		}
		if !read {
			unread = append(unread, v)
		}
	}
	return unread
}

func mayReadAny(a *access, views []ViewName) bool {
	for _, v := range views {
		if a.covers(v.Store, v.View) {
			return true
		}
	}
	return false
}
