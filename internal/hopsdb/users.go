package hopsdb

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// The roles that a project's members have.
const (
	DataOwner  = "Data owner"
	Observer   = "Observer"
	Restricted = "Feature store restricted"
)

// A User is somebody with an account.
type User struct {
	box   *Box
	id    int
	Email string
}

// User adds a user.
func (b *Box) User(email string) *User {
	u := &User{box: b, id: b.ids["users"] + 1, Email: email}
	b.ids["users"] = u.id
	b.add("INSERT INTO %s (uid, username, email, status) VALUES (%d, 'u%d', %s, 2)", b.table("users"), u.id, u.id, text(email))
	return u
}

// SetStatus alters the state of an account: 2 is active, 3 deactivated, 4 blocked.
func (u *User) SetStatus(status int) {
	u.box.add("UPDATE %s SET status = %d WHERE uid = %d", u.box.table("users"), status, u.id)
}

// Member makes a user a member of a project, in a role.
func (p *Project) Member(u *User, role string) {
	p.box.add("REPLACE INTO %s (project_id, team_member, team_role) VALUES (%d, %s, %s)",
		p.box.table("project_team"), p.id, text(u.Email), text(role))
}

// RemoveMember ends a membership.
func (p *Project) RemoveMember(u *User) {
	p.box.add("DELETE FROM %s WHERE project_id = %d AND team_member = %s", p.box.table("project_team"), p.id, text(u.Email))
}

// An APIKey is a user's key.
type APIKey struct {
	box  *Box
	id   int
	Text string // as its holder has it
}

// Key adds an API key of a user, with scopes such as FEATURESTORE. It is the same for the same user and name.
func (u *User) Key(name string, scopes ...string) *APIKey {
	b := u.box
	prefix, secret, salt := part(u.Email, name, "prefix")[:16], part(u.Email, name, "secret"), part(u.Email, name, "salt")
	digest := sha256.Sum256([]byte(secret + salt))
	k := &APIKey{box: b, Text: prefix + "." + secret}
	k.id = b.insert("api_key", "prefix, secret, salt, name, user_id",
		text(prefix), text(hex.EncodeToString(digest[:])), text(salt), text(name), u.id)
	for _, s := range scopes {
		b.insert("api_key_scope", "api_key, scope", k.id, text(s))
	}
	return k
}

// part is one of a key's, as 64 hexadecimal digits.
func part(email, name, which string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{email, name, which}, "/")))
	return hex.EncodeToString(sum[:])
}

// Revoke deletes the key.
func (k *APIKey) Revoke() {
	k.box.add("DELETE FROM %s WHERE id = %d", k.box.table("api_key"), k.id)
	k.box.add("DELETE FROM %s WHERE api_key = %d", k.box.table("api_key_scope"), k.id)
}

// Expire sets when the key's time is over, as SQL. Only a later release has that.
func (k *APIKey) Expire(when string) {
	k.box.add("UPDATE %s SET expiry = %s WHERE id = %d", k.box.table("api_key"), when, k.id)
}

// ShareStore shares a project's feature store with another project, the way of the release.
func (p *Project) ShareStore(with *Project) {
	b := p.box
	if b.release >= Release5 {
		b.insert("shared_feature_store", "feature_store, shared_with_project, shared_entirely", p.store, with.id, 1)
		return
	}
	p.OfferStore(with)
	with.AcceptStore(p)
}

// OfferStore is the first half of ShareStore in a release in which that has to be accepted.
func (p *Project) OfferStore(with *Project) {
	b := p.box
	dataset := b.insert("dataset", "inode_name, projectId, feature_store_id", text(p.Name+"_featurestore.db"), p.id, p.store)
	b.insert("dataset_shared_with", "dataset, project, accepted", dataset, with.id, 0)
}

// AcceptStore accepts what OfferStore has offered.
func (p *Project) AcceptStore(from *Project) {
	b := p.box
	b.add("UPDATE %s SET accepted = 1 WHERE project = %d AND dataset IN (SELECT id FROM %s WHERE feature_store_id = %d)",
		b.table("dataset_shared_with"), p.id, b.table("dataset"), from.store)
}

// Share shares a feature group with a project: all of it, or some features, among which its key is always. Only a later
// release has that.
func (g *Group) Share(with *Project, names ...string) {
	b := g.project.box
	b.insert("shared_feature_store", "feature_store, shared_with_project, shared_entirely", g.project.store, with.id, 0)
	b.insert("shared_feature_group", "feature_store, feature_group, shared_with_project, shared_entirely",
		g.project.store, g.id, with.id, bit(len(names) == 0))
	for _, name := range g.withKey(names) {
		b.insert("shared_feature", "feature_group, feature, shared_with_project", g.id, text(name), with.id)
	}
}

// Grant lets a restricted member read a feature group: all of it, or some features, among which its key is always.
func (g *Group) Grant(u *User, names ...string) {
	b := g.project.box
	id := b.insert("restricted_feature_group_access", "feature_store, feature_group, granted_to_user, can_access_entirely",
		g.project.store, g.id, u.id, bit(len(names) == 0))
	for _, name := range g.withKey(names) {
		b.insert("restricted_feature_access", "restricted_feature_group_access, feature, granted_to_user", id, text(name), u.id)
	}
}

// withKey adds the key columns and the event time to some names, if there are any.
func (g *Group) withKey(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	for _, c := range g.Columns {
		if c.Key || c.Name == g.EventTime {
			names = append(names, c.Name)
		}
	}
	return names
}

// Unshare ends every share of a project's feature store and its groups.
func (p *Project) Unshare() {
	b := p.box
	if b.release >= Release5 {
		for _, t := range []string{"shared_feature_store", "shared_feature_group"} {
			b.add("DELETE FROM %s WHERE feature_store = %d", b.table(t), p.store)
		}
	}
	b.add("DELETE FROM %s WHERE dataset IN (SELECT id FROM %s WHERE feature_store_id = %d)",
		b.table("dataset_shared_with"), b.table("dataset"), p.store)
}
