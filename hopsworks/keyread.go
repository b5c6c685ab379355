package hopsworks

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rongate/rongate/column"
)

// The states of an account, by users.status, in which its keys do not count. Hopsworks has others, of accounts that are not
// complete yet.
const (
	accountDeactivated = 3
	accountBlocked     = 4
)

// run looks up prefixes and reads known keys again, until ctx ends.
func (k *Keys) run(ctx context.Context) {
	refresh := time.Now().Add(jitter(k.cfg.Refresh))
	timer := time.NewTimer(0)
	defer timer.Stop()
	defer k.giveUp()
	for ctx.Err() == nil {
		if !time.Now().Before(refresh) {
			every := k.cfg.Refresh
			if !k.refresh(ctx) {
				every = retryAfter
			}
			k.save(false)
			refresh = time.Now().Add(jitter(every))
		}
		if b := k.take(); b != nil {
			k.lookUp(ctx, b)
			timer.Reset(readGap)
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
			continue
		}
		timer.Reset(time.Until(refresh))
		select {
		case <-k.wake:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	k.save(true)
}

// take takes the prefixes to be looked up next; nil: there are none.
func (k *Keys) take() *batch {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.queue) == 0 {
		return nil
	}
	b := k.queue[0]
	k.queue = slices.Delete(k.queue, 0, 1)
	return b
}

// settle ends the wait for some prefixes.
func (k *Keys) settle(b *batch, failed bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, name := range b.names {
		delete(k.waiting, name)
	}
	b.failed = failed
	close(b.done)
}

// giveUp ends the wait for all prefixes in queue.
func (k *Keys) giveUp() {
	for b := k.take(); b != nil; b = k.take() {
		k.settle(b, true)
	}
}

// lookUp looks some prefixes up for those who wait.
func (k *Keys) lookUp(ctx context.Context, b *batch) {
	err := k.readAgain(ctx, b.names)
	k.tell(ctx, err)
	k.settle(b, err != nil)
	if err != nil {
		k.giveUp() // those that wait behind them would fare no better
	}
}

// refresh reads the keys again that were used since they were read. It reports whether that went well.
func (k *Keys) refresh(ctx context.Context) bool {
	var names []prefix
	for _, name := range k.known.Keys() {
		if one, ok := k.known.Peek(name); ok && one.used.Load() {
			names = append(names, name)
		}
	}
	if len(names) == 0 && k.away.Load() {
		_, err := discover(ctx, k.asker, k.cfg.Schema) // does it answer again?
		k.tell(ctx, err)
		return err == nil
	}
	var err error
	failed := 0
	for part := range slices.Chunk(names, keysAtOnce) {
		// One part that fails must not hide the others; two in a row are a metadata layer that is away.
		before := err
		if err = k.readAgain(ctx, part); err != nil {
			failed++
			if before != nil {
				break
			}
		}
	}
	k.tell(ctx, err)
	return failed == 0
}

// tell notes how a reading has ended.
func (k *Keys) tell(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	was := k.away.Swap(err != nil)
	if err != nil {
		k.failed.Add(1)
		k.release = nil // it may have been upgraded
	}
	switch {
	case err != nil && !was:
		k.cfg.Log.Warn("API keys cannot be read; those that are known go on", "error", err, "for", k.cfg.Keep.String())
	case err == nil && was:
		k.cfg.Log.Info("API keys can be read again")
	}
}

// readAgain reads some prefixes and remembers what there is of them.
func (k *Keys) readAgain(ctx context.Context, names []prefix) error {
	at := time.Now()
	found, err := k.read(ctx, names)
	if err != nil {
		return err
	}
	for _, name := range names {
		s := found[name]
		if s == nil {
			k.absent.Add(name, at.Add(k.cfg.Refresh))
			k.altered = k.known.Remove(name) || k.altered
			continue
		}
		k.absent.Remove(name)
		one, ok := k.known.Peek(name)
		if !ok {
			one = &key{}
		}
		one.used.Store(false)
		if old := one.standing.Load(); old == nil || !old.equal(s) {
			one.standing.Store(s)
			k.altered = true
		}
		one.confirmed.Store(at.UnixNano())
		if !ok {
			k.known.Add(name, one)
		}
	}
	return nil
}

func (s *standing) equal(o *standing) bool {
	return s.Digest == o.Digest && bytes.Equal(s.Salt, o.Salt) && s.Expires.Equal(o.Expires) && s.Scoped == o.Scoped &&
		s.Closed == o.Closed && slices.Equal(s.Members, o.Members) &&
		slices.EqualFunc(s.Grants, o.Grants, func(a, b grant) bool {
			return a.Group == b.Group && a.Whole == b.Whole && slices.Equal(a.Features, b.Features)
		})
}

// A keyRow is a row of api_key with its user's.
type keyRow struct {
	name     prefix
	id, user int64
	standing *standing
}

// read reads what the metadata say of some prefixes. Those without a key are absent.
func (k *Keys) read(ctx context.Context, names []prefix) (map[prefix]*standing, error) {
	if now := time.Now(); k.release == nil || now.After(k.reread) {
		rel, err := discover(ctx, k.asker, k.cfg.Schema)
		if err != nil {
			return nil, err
		}
		k.release, k.reread = rel, now.Add(jitter(defaultReread))
	}
	rows, err := k.keyRows(ctx, names)
	if err != nil {
		return nil, err
	}
	found := map[prefix]*standing{}
	byKey, byUser := map[int64]*standing{}, map[int64][]*standing{}
	var ids, users []int64
	for _, r := range rows {
		if !slices.Contains(names, r.name) {
			continue // the server's collation takes two for one
		}
		found[r.name], byKey[r.id] = r.standing, r.standing
		byUser[r.user] = append(byUser[r.user], r.standing)
		ids, users = append(ids, r.id), append(users, r.user)
	}
	if len(found) == 0 {
		return found, nil
	}
	if err := k.scopes(ctx, ids, byKey); err != nil {
		return nil, err
	}
	if err := k.members(ctx, users, byUser); err != nil {
		return nil, err
	}
	return found, k.grants(ctx, users, byUser)
}

func (k *Keys) keyRows(ctx context.Context, names []prefix) ([]keyRow, error) {
	r := k.release
	if !r.has("api_key", "prefix", "id", "secret", "salt", "user_id") || !r.has("users", "uid", "email", "status") {
		return nil, fmt.Errorf("database %s has no tables api_key and users as Hopsworks has them, or the user may not read "+
			"them; grant SELECT on them", r.schema)
	}
	expiry := "NULL"
	if r.has("api_key", "expiry") {
		expiry = "FLOOR(UNIX_TIMESTAMP(k.`expiry`))"
	}
	query := "SELECT k.`prefix`, k.`id`, k.`secret`, k.`salt`, " + expiry + ", u.`uid`, u.`status` FROM " + r.name("api_key") +
		" k JOIN " + r.name("users") + " u ON u.`uid` = k.`user_id` WHERE k.`prefix` IN " + places()
	args := make([]column.Value, keysAtOnce)
	for i := range args {
		name := &names[min(i, len(names)-1)]
		args[i] = column.BytesValue(bytes.TrimRight(name[:], "\x00"))
	}
	return keyAnswer(ctx, k, 7, query, args, func(r row) (one keyRow, err error) {
		s := &standing{Salt: []byte(r.text(3))}
		if copy(one.name[:], r.text(0)) < len(r.text(0)) {
			return one, nil // longer than any that is asked for
		}
		// What is no digest is one that nothing has.
		if n, err := hex.Decode(s.Digest[:], []byte(strings.ToLower(r.text(2)))[:min(64, len(r.text(2)))]); err != nil || n < 32 {
			s.Closed = true
		}
		if !r[4].IsNull() {
			s.Expires = time.Unix(r.number(4, &err), 0)
		}
		one.id, one.user = r.number(1, &err), r.number(5, &err)
		status := r.number(6, &err)
		s.Closed = s.Closed || status == accountDeactivated || status == accountBlocked
		one.standing = s
		return one, err
	})
}

// places returns the parameters of statements for several keys: always as many, so that it is one statement.
func places() string { return "(?" + strings.Repeat(",?", keysAtOnce-1) + ")" }

// numbers are the arguments for places.
func numbers(ids []int64) []column.Value {
	args := make([]column.Value, keysAtOnce)
	for i := range args {
		args[i] = column.IntValue(ids[min(i, len(ids)-1)])
	}
	return args
}

// keyAnswer runs a statement for keys.
func keyAnswer[T any](
	ctx context.Context, k *Keys, columns int, query string, args []column.Value, make func(row) (T, error),
) ([]T, error) {
	found := scan[T]{columns: columns, make: make}
	k.reads.Add(1)
	if err := k.asker.ask(ctx, keyPatience, query, args, &found); err != nil {
		return nil, fmt.Errorf("read API keys: %w", err)
	}
	return found.found, nil
}

// scopes reads which keys are for reading features.
func (k *Keys) scopes(ctx context.Context, ids []int64, keys map[int64]*standing) error {
	query := "SELECT `api_key`, `scope` FROM " + k.release.name("api_key_scope") + " WHERE `api_key` IN " + places()
	_, err := keyAnswer(ctx, k, 2, query, numbers(ids), func(r row) (_ struct{}, err error) {
		if s := keys[r.number(0, &err)]; s != nil && strings.EqualFold(r.text(1), keyScope) {
			s.Scoped = true
		}
		return struct{}{}, err
	})
	return err
}

// members reads which projects users are members of.
func (k *Keys) members(ctx context.Context, users []int64, keys map[int64][]*standing) error {
	r := k.release
	query := "SELECT u.`uid`, t.`project_id`, t.`team_role` FROM " + r.name("users") + " u JOIN " + r.name("project_team") +
		" t ON t.`team_member` = u.`email` WHERE u.`uid` IN " + places() + " ORDER BY 1, 2"
	_, err := keyAnswer(ctx, k, 3, query, numbers(users), func(r row) (_ struct{}, err error) {
		m := member{Project: r.number(1, &err), Restricted: isRestricted(r.text(2))}
		for _, s := range keys[r.number(0, &err)] {
			s.Members = append(s.Members, m)
		}
		return struct{}{}, err
	})
	return err
}

// grants reads what was granted to users by name.
func (k *Keys) grants(ctx context.Context, users []int64, keys map[int64][]*standing) error {
	r := k.release
	if !r.has("restricted_feature_group_access") || !r.has("restricted_feature_access") {
		return nil
	}
	query := "SELECT g.`granted_to_user`, g.`feature_group`, g.`can_access_entirely`, f.`feature` FROM " +
		r.name("restricted_feature_group_access") + " g LEFT JOIN " + r.name("restricted_feature_access") +
		" f ON f.`restricted_feature_group_access` = g.`id` WHERE g.`granted_to_user` IN " + places() + " ORDER BY 1, 2, g.`id`, 4"
	_, err := keyAnswer(ctx, k, 4, query, numbers(users), func(r row) (_ struct{}, err error) {
		g := grant{Group: r.number(1, &err), Whole: r.yes(2, false, &err)}
		for _, s := range keys[r.number(0, &err)] {
			if n := len(s.Grants); n == 0 || s.Grants[n-1].Group != g.Group || s.Grants[n-1].Whole != g.Whole {
				s.Grants = append(s.Grants, g)
			}
			if !r[3].IsNull() {
				last := &s.Grants[len(s.Grants)-1]
				last.Features = append(last.Features, r.text(3))
			}
		}
		return struct{}{}, err
	})
	return err
}
