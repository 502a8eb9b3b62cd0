package server

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
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
}

const pushSetting = "push_keys"

// newOutward does not start anything.
func (s *Server) newOutward(ctx context.Context, cfg Config, m *metrics) (o outward, err error) {
	keys, err := pushKeys(ctx, s.store)
	if err != nil {
		return o, err
	}
	services := cfg.Push
	if services == nil {
		services = outside.Client(false)
	}
	shared, _ := s.store.(chat.SharedLog)
	var turns chat.Turns
	if shared != nil {
		turns = s.store
	}
	o.hooks = hooks.New(hooks.Config{
		Shared: shared, Turns: turns,
		Log: s.store, Hooks: s.store, Directory: s.store, Accounts: s.store, Client: outside.Client(cfg.HooksPrivate), Logger: cfg.Log, Clock: cfg.Clock,
	})
	o.alerts = alert.New(alert.Config{
		Log: s.store, Attention: s.store, Directory: s.store, Keys: keys, Subject: subject(cfg.PushContact, s.place.Base), Client: services, Logger: cfg.Log,
		Sent: m.alerted, Shared: shared != nil,
		Here: func(id chat.UserID) (bool, bool) { return s.hub.Here(id) },
	})
	return o, nil
}

// pushKeys returns this server's keys for push services, made at its first start.
// Subscriptions are made for them, so they stay.
func pushKeys(ctx context.Context, store store) (keys alert.Keys, err error) {
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
	if turn == nil { // another node is making them
		select {
		case <-ctx.Done():
			return keys, ctx.Err()
		case <-time.After(50 * time.Millisecond):
			return pushKeys(ctx, store)
		}
	}
	defer turn.End()
	if text, err = store.Setting(ctx, pushSetting); err != nil || text != "" {
		return keys, errors.Join(err, json.Unmarshal([]byte(text), &keys))
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

func (o outward) stored(events []chat.Event) {
	o.hooks.Stored(events[0].Room)
	o.alerts.Stored(events)
}

func (o outward) start(ctx context.Context) error {
	if err := o.hooks.Start(ctx); err != nil {
		return err
	}
	return o.alerts.Start(ctx)
}

// close waits for what is under way.
func (o outward) close() {
	o.alerts.Close()
	o.hooks.Close()
}
