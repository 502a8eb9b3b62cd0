package storetest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"hubbub/internal/chat"
)

// The row of an event is what is stored: with its text until that is deleted or erased,
// and to be written as JSON whatever the store holds.
func testStored(t *testing.T, e *env) {
	room, ann := e.room("lobby"), e.author()
	shown := func(seq chat.Seq) string {
		t.Helper()
		row, err := e.Stored(t.Context(), room, seq)
		e.must(err)
		b, err := json.Marshal(row)
		e.must(err)
		if row.Table == "" || len(row.Row) < 5 {
			t.Errorf("event %d is %s", seq, b)
		}
		for _, c := range row.Row {
			if _, ok := c.Value.([]byte); ok || c.Name == "" {
				t.Errorf("column %q of event %d is %T", c.Name, seq, c.Value)
			}
		}
		return string(b)
	}
	const word = "zanzibar"
	first := e.append(message(room, ann, word))[0]
	if got := shown(first.Seq); !strings.Contains(got, word) {
		t.Errorf("without its text: %s", got)
	}
	edit := e.append(chat.Draft{Room: room, Author: ann, Kind: chat.KindEdit, ID: chat.EventID(uuid.Must(uuid.NewV7())), Target: first.Seq, Body: word + "s"})[0]
	if got := shown(edit.Seq); !strings.Contains(got, word+"s") {
		t.Errorf("without its text: %s", got)
	}
	gone := e.append(chat.Draft{Room: room, Author: ann, Kind: chat.KindDelete, ID: chat.EventID(uuid.Must(uuid.NewV7())), Target: first.Seq})[0]
	for seq := first.Seq; seq <= gone.Seq; seq++ {
		if got := shown(seq); strings.Contains(got, word) {
			t.Errorf("what was deleted is still there: %s", got)
		}
	}
	for _, seq := range []chat.Seq{0, gone.Seq + 1, 1 << 63} {
		if _, err := e.Stored(t.Context(), room, seq); err == nil || chat.AsError(err).Code != chat.CodeNotFound {
			t.Errorf("event %d: %v", seq, err)
		}
	}
	other := e.room("attic")
	if _, err := e.Stored(t.Context(), other, first.Seq); err == nil || chat.AsError(err).Code != chat.CodeNotFound {
		t.Errorf("in a room without events: %v", err)
	}
	erased := e.append(message(room, ann, word), message(room, ann, "kept"))
	_, err := e.Sweep(t.Context(), chat.Keep{Messages: 1})
	e.must(err)
	if _, err := e.Stored(t.Context(), room, erased[0].Seq); err == nil || chat.AsError(err).Code != chat.CodeNotFound {
		t.Errorf("what was erased: %v", err)
	}
	shown(erased[1].Seq)
}
