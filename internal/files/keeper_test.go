package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hubbub/internal/chat"
	"hubbub/internal/sqlite"
)

// gated is a store that holds what is put back until the test lets it through.
type gated struct {
	Store
	name    string
	reached chan struct{}
	open    chan struct{}
}

func (g *gated) Put(ctx context.Context, name string, r io.Reader) error {
	if name == g.name {
		close(g.reached)
		<-g.open
	}
	return g.Store.Put(ctx, name, r)
}

// Two nodes finish an upload at once, and one of them late, when a message holds the file
// already: the file stays.
func TestFinishedTwice(t *testing.T) {
	db, who := people(t)
	folder, err := NewFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	lobby, err := db.RoomByName(t.Context(), chat.Lobby)
	if err != nil {
		t.Fatal(err)
	}
	for _, held := range []bool{true, false} {
		u := chat.Upload{File: chat.File{ID: NewID(), Name: "x"}, Owner: who, Length: 5, Expires: time.Now().Add(time.Hour)}
		slow := &gated{Store: folder, name: string(u.ID), reached: make(chan struct{}), open: make(chan struct{})}
		a, errA := New(folder, db, DefaultLimits(), slog.New(slog.DiscardHandler))
		b, errB := New(slow, db, DefaultLimits(), slog.New(slog.DiscardHandler))
		if err := errors.Join(errA, errB, db.AddUpload(t.Context(), u, 0)); err != nil {
			t.Fatal(err)
		}
		up := &upload{k: a, id: u.ID, length: 5}
		if n, err := up.WriteChunk(t.Context(), 0, strings.NewReader("hello")); n != 5 || err != nil {
			t.Fatal(n, err)
		}
		late := make(chan error, 1)
		go func() { late <- b.finish(context.WithoutCancel(t.Context()), u.ID) }()
		<-slow.reached
		if err := a.finish(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
		if held {
			d := chat.Draft{Room: lobby.ID, Author: who, Guest: true, Kind: chat.KindMessage, ID: chat.EventID{1}, Files: []chat.File{{ID: u.ID}}}
			if r := db.Append(t.Context(), []chat.Draft{d}); r[0].Err != nil {
				t.Fatal(r[0].Err)
			}
		} else if err := db.DropUpload(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
		if err := a.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		close(slow.open)
		err := <-late
		if got, want := fmt.Sprint(list(t, folder, string(u.ID))), fmt.Sprintf("[%s 5]", u.ID); held && (err != nil || got != want) || !held && (chat.AsError(err).Code != chat.CodeNotFound || got != "[]") {
			t.Errorf("held %v: %v, and there is %s", held, err, got)
		}
	}
}

// failing is a store that can not be read the nth time.
type failing struct {
	Store
	n atomic.Int64
}

func (f *failing) Open(ctx context.Context, name string) (io.ReadSeekCloser, error) {
	if f.n.Add(-1) == 0 {
		return nil, errors.New("away")
	}
	return f.Store.Open(ctx, name)
}

// A film whose boxes can not be read is not kept with what it says of its place.
func TestUnreadBoxes(t *testing.T) {
	db, who := people(t)
	folder, err := NewFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	film := bytes.Join([][]byte{box("ftyp", []byte("isom\x00\x00\x00\x00isom")), box("mdat", noise(3*blockSize)), box("moov", box("trak", box("mdia", []byte("vide"))), box("udta", []byte(where)))}, nil)
	store := &failing{Store: folder}
	k, err := New(store, db, DefaultLimits(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	u := chat.Upload{File: chat.File{ID: NewID(), Name: "x.mp4"}, Owner: who, Length: int64(len(film)), Expires: time.Now().Add(time.Hour)}
	if err := db.AddUpload(t.Context(), u, 0); err != nil {
		t.Fatal(err)
	}
	up := &upload{k: k, id: u.ID, length: u.Length}
	for at := 0; at < len(film); {
		n, err := up.WriteChunk(t.Context(), int64(at), bytes.NewReader(film[at:min(at+50_000, len(film))]))
		if err != nil {
			t.Fatal(err)
		}
		at += int(n)
	}
	for nth := int64(1); ; nth++ {
		store.n.Store(nth)
		err := k.finish(t.Context(), u.ID)
		got := kept(t, folder, string(u.ID))
		if err == nil {
			if nth < 5 || len(got) != len(film) || strings.Contains(got, where) {
				t.Errorf("at the %d. time it was kept with %d bytes of %d, its place too: %v", nth, len(got), len(film), strings.Contains(got, where))
			}
			break
		}
		if chat.AsError(err).Code != chat.CodeUnavailable || got != "nothing" {
			t.Fatalf("where the %d. reading fails: %v, and %d bytes", nth, err, len(got))
		}
	}
}

func people(t *testing.T) (*sqlite.Store, chat.UserID) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	who, err := db.AddVisitor(t.Context(), chat.Name{Display: "Ines", Key: "ines"})
	if err != nil {
		t.Fatal(err)
	}
	return db, who.ID
}
