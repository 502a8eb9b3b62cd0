package chat_test

import (
	"testing"

	"hubbub/internal/chat"
)

// What Keep.String writes is read as what it was: a number of messages is no number of
// days.
func TestKeep(t *testing.T) {
	for _, k := range []chat.Keep{{}, {Days: 30}, {Messages: 1000}, {Days: 1, Messages: 2}} {
		if got := chat.ParseKeep(k.String()); got != k {
			t.Errorf("%+v became %q and then %+v", k, k.String(), got)
		}
	}
	for _, text := range []string{"", "off", "for ever", "days", "x days", "3 weeks"} {
		if got := chat.ParseKeep(text); got != (chat.Keep{}) {
			t.Errorf("%q keeps %+v", text, got)
		}
	}
}
