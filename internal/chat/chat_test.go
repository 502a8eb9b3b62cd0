package chat

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestEventIDString(t *testing.T) {
	id := EventID{0x01, 0x99, 0xd5, 0xc2, 0x7a, 0x31, 0x7c, 0x4e, 0x9b, 0x1f, 0x3d, 0x2a, 0x6c, 0x8e, 0x5f, 0x01}
	if got := id.String(); got != "0199d5c2-7a31-7c4e-9b1f-3d2a6c8e5f01" {
		t.Error(got)
	}
}

func TestCleanRoomName(t *testing.T) {
	for name, want := range map[string]string{
		"lobby": "lobby", "#Lobby": "lobby", " kitchen ": "kitchen", "a-b_c": "a-b_c", "KÜCHE": "küche", "台所": "台所", "7": "7",
		"हिन्दी": "हिन्दी", strings.Repeat("x", MaxRoomName): strings.Repeat("x", MaxRoomName),
		"": "", "#": "", "two words": "", "../x": "", "-x": "", "x-": "", "_x": "", "a/b": "", "a.b": "", "\u202ex": "", "😀": "", "\xff": "",
		strings.Repeat("x", MaxRoomName+1): "", "a\x00": "", "\u0301": "",
	} {
		got, err := CleanRoomName(name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", name, got, err, want)
		}
	}
}

// An error keeps its two faces however it is wrapped; one of ours that was not
// foreseen tells a person nothing.
func TestAsError(t *testing.T) {
	e := Errorf(CodeNotFound, "there is no such room")
	if got := AsError(fmt.Errorf("open: %w", e)); got != e {
		t.Errorf("got %v", got)
	}
	secret := errors.New("disk 7 at 10.0.0.1")
	got := AsError(secret)
	if got.Code != CodeInternal || strings.Contains(got.Message, "disk") || !errors.Is(got, secret) {
		t.Errorf("got %v", got)
	}
}
