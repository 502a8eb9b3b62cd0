// Package wire turns frames into bytes and back: the JSON frames of hubbub.v1,
// and the WebSocket framing of what the server sends. It knows nothing of
// connections. docs/protocol.md describes every frame; the files in
// testdata/frames are the contract, shared with the page's tests.
//
//	kind       from    type        kind       from    type
//	hello      client  Hello       sent       server  Sent
//	welcome    server  Welcome     edit       client  Edit
//	you        server  You         delete     client  Delete
//	open       client  Open        typing     both    Typing
//	opened     server  Opened      read       both    Read
//	close      client  Close       fence      both    Fence
//	joined     server  Joined      heartbeat  server  Heartbeat
//	left       server  Left        report     server  Report
//	event      server  Event       error      server  Error
//	reset      server  Reset       goodbye    server  Goodbye
//	send       client  Send
//
// A conversation: hello, welcome; open, opened, event...; send, sent and event.
package wire
