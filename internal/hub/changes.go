package hub

import (
	"context"

	"hubbub/internal/chat"
)

// follower is this process's place in the log of changes, where that is shared.
type follower struct {
	wake chan struct{} // capacity 1: there may be something behind it
	at   chat.Seq      // owned by followChanges
}

func (f *follower) look() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Announce has connections told of changes that follow from nothing else.
func (h *Hub) Announce(ctx context.Context, changes ...chat.Change) error {
	return h.log.Announce(ctx, changes...)
}

// watch takes the changes that were stored here. Where the log is shared they are read
// from it like those of others, so that all come in one order everywhere.
func (h *Hub) watch(changes []chat.Change) {
	if h.Bus == nil {
		for _, c := range changes {
			h.Changed(c)
		}
		return
	}
	h.changes.look()
	h.Bus.Tell(chat.Topic{About: chat.AboutChanges}, chat.Note{Head: max(1, changes[len(changes)-1].Seq)})
}

// startChanges begins behind what there is: connections that come later know that.
func (h *Hub) startChanges(ctx context.Context, log chat.SharedLog) (err error) {
	if h.changes.at, err = log.ChangesHead(ctx); err != nil {
		return err
	}
	stop := h.Bus.Listen(chat.Topic{About: chat.AboutChanges}, func(chat.Note) { h.changes.look() })
	h.changes.look()
	h.crew.run(func() {
		defer stop()
		for {
			select {
			case <-h.crew.ctx.Done():
				return
			case <-h.changes.wake:
			}
			if err := h.followChanges(log); err != nil && h.crew.ctx.Err() == nil {
				h.Trouble(err)
			}
		}
	})
	return nil
}

// followChanges reads what is behind its place. If the log can not be read, the next hint
// or the next check begins anew.
func (h *Hub) followChanges(log chat.SharedLog) error {
	for {
		changes, err := log.Changes(h.crew.ctx, h.changes.at, pageEvents)
		if err != nil || len(changes) == 0 {
			return err
		}
		if changes[0].Seq != h.changes.at+1 {
			h.Missed()
		}
		for _, c := range changes {
			h.Changed(c)
		}
		h.changes.at = changes[len(changes)-1].Seq
	}
}
