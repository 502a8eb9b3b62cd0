// Package preview looks where the links of messages lead, after they were stored, and
// says in the room what it found. Nothing waits for it, and it reaches nothing but the
// open web: docs/adr/0010-files.md.
package preview

import (
	"bytes"
	"context"
	"image"
	"log/slog"
	"net"
	"sync"
	"time"

	"hubbub/internal/chat"
)

// Keeper keeps pictures that the server has made.
type Keeper interface {
	KeepPicture(ctx context.Context, name, kind string, data []byte, width, height int) (chat.File, error)
}

// Config is what previews stand on.
type Config struct {
	Files  chat.Files
	Keeper Keeper
	Wanted func(context.Context) (bool, error) // by the place
	Guard  Guard                               // nil: Public
	Log    *slog.Logger

	resolver *net.Resolver
}

// Previews is safe for use by many goroutines. Close ends it.
type Previews struct {
	Config
	fetch  *fetcher
	queue  chan chat.Event
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

const (
	workers     = 4
	maxQueue    = 100 // messages; what comes when so many wait goes without
	messageTime = 20 * time.Second
	found       = 6 * time.Hour // how long it is remembered
	notFound    = 15 * time.Minute
)

// New returns previews that wait for messages.
func New(cfg Config) *Previews {
	if cfg.Guard == nil {
		cfg.Guard = Public()
	}
	p := &Previews{Config: cfg, fetch: newFetcher(cfg.Guard, cfg.resolver), queue: make(chan chat.Event, maxQueue)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	for range workers {
		p.wg.Go(p.work)
	}
	return p
}

// Close ends what is under way.
func (p *Previews) Close() {
	p.cancel()
	p.wg.Wait()
}

// Said is told of messages and edits. It does not block.
func (p *Previews) Said(e chat.Event) {
	if e.Bot || e.NoPreview || e.Deleted || len(Links(e.Body)) == 0 {
		return
	}
	select {
	case p.queue <- e:
	default:
	}
}

func (p *Previews) work() {
	for {
		select {
		case <-p.ctx.Done():
			return
		case e := <-p.queue:
			if err := p.message(e); err != nil && p.ctx.Err() == nil {
				p.Log.Error("show where links lead", "err", err)
			}
		}
	}
}

// message follows the links of one message.
func (p *Previews) message(e chat.Event) error {
	ctx, cancel := context.WithTimeout(p.ctx, messageTime)
	defer cancel()
	if wanted, err := p.Wanted(ctx); err != nil || !wanted {
		return err
	}
	seq, revised := e.Seq, chat.Seq(0)
	if e.Kind == chat.KindEdit {
		seq, revised = e.Target, e.Seq
	}
	var all []chat.Preview
	for _, link := range Links(e.Body) {
		one, worth, err := p.link(ctx, link)
		if err != nil {
			return err
		}
		if worth {
			all = append(all, one)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return p.Files.ShowPreviews(p.ctx, e.Room, seq, revised, all)
}

// link returns what there is to show of a link, if it is worth it.
func (p *Previews) link(ctx context.Context, link string) (one chat.Preview, worth bool, err error) {
	known, ok, err := p.Files.CachedPreview(p.ctx, link)
	if err != nil {
		return one, false, err
	}
	if !ok {
		known = chat.CachedPreview{Expires: time.Now().Add(found)}
		known.Preview, known.Image, err = p.fetch.look(ctx, link)
		if err != nil || known.Title == "" {
			if p.ctx.Err() != nil {
				return one, false, p.ctx.Err()
			}
			known = chat.CachedPreview{Expires: time.Now().Add(notFound)}
		}
		if err := p.Files.CachePreview(p.ctx, link, known); err != nil {
			return one, false, err
		}
	}
	if known.Title == "" {
		return one, false, nil
	}
	one = known.Preview
	one.URL = link
	if len(known.Image) > 0 {
		one.Picture, err = p.picture(known.Image)
	}
	return one, err == nil, err
}

func (p *Previews) picture(data []byte) (*chat.File, error) {
	c, kind, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	f, err := p.Keeper.KeepPicture(p.ctx, "preview."+kind, "image/"+kind, data, c.Width, c.Height)
	return &f, err
}
