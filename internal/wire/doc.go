// Package wire turns frames into bytes and back: the JSON frames of hubbub.v1,
// and the WebSocket framing of what the server sends. It knows nothing of
// connections. docs/protocol.md describes every frame; the files in
// testdata/frames are the contract, shared with the page's tests.
//
//	kind       from    type        kind       from    type
//	hello      client  Hello       typing     both    Typing
//	welcome    server  Welcome     read       both    Read
//	open       client  Open        fence      both    Fence
//	opened     server  Opened      heartbeat  server  Heartbeat
//	close      client  Close       error      server  Error
//	event      server  Event       goodbye    server  Goodbye
//	reset      server  Reset       you        server  You
//	send       client  Send
//	sent       server  Sent
//
// A conversation: hello, welcome; open, opened, event...; send, sent and event.
package wire
