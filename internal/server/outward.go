package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hubbub/internal/alert"
	"hubbub/internal/chat"
	"hubbub/internal/hooks"
	"hubbub/internal/outside"
)

// outward is what makes requests to elsewhere: deliveries of hooks, and alerts.
type outward struct {
	hooks  *hooks.Deliveries
	alerts *alert.Alerts
	mine   atomic.Bool // it is this node's turn to make them
	wanted func(bool)  // told whether it is: whether it must be known what other nodes store
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

const pushSetting = "push_keys"

// newOutward does not start anything.
func (s *Server) newOutward(ctx context.Context, cfg Config, m *metrics) (*outward, error) {
	keys, err := pushKeys(ctx, s.store)
	if err != nil {
		return nil, err
	}
	services := cfg.Push
	if services == nil {
		services = outside.Client(false)
	}
	o := &outward{cancel: func() {}, wanted: func(yes bool) { s.around.want(&s.around.outward, yes) }}
	o.hooks = hooks.New(hooks.Config{
		Mine: o.mine.Load,
		Log:  s.store, Hooks: s.store, Directory: s.store, Accounts: s.store, Client: outside.Client(cfg.HooksPrivate), Logger: cfg.Log, Clock: cfg.Clock,
	})
	o.alerts = alert.New(alert.Config{
		Mine: o.mine.Load,
		Log:  s.store, Attention: s.store, Directory: s.store, Keys: keys, Subject: subject(cfg.PushContact, s.place.Base), Client: services, Logger: cfg.Log,
		Sent: m.alerted,
		Here: func(id chat.UserID) (bool, bool) { return s.hub.Here(id) },
	})
	return o, nil
}

// pushKeys returns this server's keys for push services, made at its first start.
// Subscriptions are made for them, so they stay.
func pushKeys(ctx context.Context, store store) (keys alert.Keys, err error) {
	for {
		text, err := store.Setting(ctx, pushSetting)
		if err != nil {
			return keys, err
		}
		if text != "" {
			return keys, json.Unmarshal([]byte(text), &keys)
		}
		turn, err := store.Take(ctx, pushSetting)
		if err != nil {
			return keys, err
		}
		if turn != nil {
			defer turn.End()
			return makePushKeys(ctx, store)
		}
		select { // another node makes them
		case <-ctx.Done():
			return keys, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// makePushKeys makes them, unless another node just did.
func makePushKeys(ctx context.Context, store store) (keys alert.Keys, err error) {
	text, err := store.Setting(ctx, pushSetting)
	if err != nil {
		return keys, err
	}
	if text != "" {
		return keys, json.Unmarshal([]byte(text), &keys)
	}
	if keys, err = alert.NewKeys(); err != nil {
		return keys, err
	}
	b, err := json.Marshal(keys)
	if err == nil {
		err = store.SetSetting(ctx, "", 0, pushSetting, string(b))
	}
	return keys, err
}

// subject is whom a push service may write to when something is wrong. Some refuse what
// can not be reached, so an operator should say it, or have an outside address.
func subject(contact, base string) string {
	host := strings.TrimPrefix(base, "https://")
	switch {
	case contact != "":
		return strings.TrimPrefix(contact, "mailto:")
	case host != base && net.ParseIP(strings.Trim(host, "[]")) == nil && strings.Contains(host, "."):
		return base
	}
	return "operator@hubbub.invalid"
}

func (o *outward) stored(events []chat.Event) {
	o.hooks.Stored(events[0].Room)
	o.alerts.Stored(events)
}

// new is told of a room in which another node stored something.
func (o *outward) new(room chat.RoomID, head chat.Seq) {
	o.hooks.Stored(room)
	o.alerts.New(room, head)
}

// start begins, as soon as it is this node's turn.
func (o *outward) start(ctx context.Context, turns chat.Turns, log *slog.Logger) error {
	turn, err := turns.Take(ctx, outwardTurn)
	if err != nil {
		return err
	}
	err = o.alerts.Start(ctx)
	if err == nil {
		o.begin(turn != nil)
		err = o.hooks.Start(ctx)
	}
	if err != nil {
		if turn != nil {
			turn.End()
		}
		return err
	}
	var work context.Context
	work, o.cancel = context.WithCancel(context.Background())
	o.wg.Go(func() { o.takeTurns(work, turns, turn, log) })
	return nil
}

// begin says whether it is this node's turn.
func (o *outward) begin(mine bool) {
	o.mine.Store(mine)
	o.wanted(mine)
	if mine {
		o.alerts.Nudge()
	}
}

const (
	outwardTurn = "hooks and alerts"
	turnEvery   = 2 * time.Second // how long after a node died another one begins, at most
	hooksEvery  = 5               // turns later, hooks and devices that were added elsewhere are heard of
)

// takeTurns has one node at a time make requests: twice would be an alert too many.
func (o *outward) takeTurns(ctx context.Context, turns chat.Turns, turn *chat.Turn, log *slog.Logger) {
	t := time.NewTicker(turnEvery)
	defer t.Stop()
	for n := 1; ; n++ {
		var lost <-chan struct{}
		if turn != nil {
			lost = turn.Lost()
		}
		select {
		case <-ctx.Done():
			o.begin(false)
			if turn != nil {
				turn.End()
			}
			return
		case <-lost:
			o.begin(false)
			turn = nil
		case <-t.C:
			if err := o.look(ctx, turns, &turn, n); err != nil && ctx.Err() == nil {
				log.Warn("hooks and alerts wait for the database", "err", err)
			}
		}
	}
}

// look takes the turn, if nobody has it, and looks for what was added elsewhere.
func (o *outward) look(ctx context.Context, turns chat.Turns, turn **chat.Turn, n int) (err error) {
	if *turn != nil {
		if n%hooksEvery == 0 {
			err = errors.Join(o.hooks.Start(ctx), o.alerts.Count(ctx))
		}
		return err
	}
	taken, err := turns.Take(ctx, outwardTurn)
	if err != nil || taken == nil {
		return err
	}
	if err := o.alerts.Resume(ctx); err != nil {
		taken.End()
		return err
	}
	*turn = taken
	o.begin(true)
	return o.hooks.Start(ctx)
}

// close waits for what is under way.
func (o *outward) close() {
	o.cancel()
	o.wg.Wait()
	o.alerts.Close()
	o.hooks.Close()
}
