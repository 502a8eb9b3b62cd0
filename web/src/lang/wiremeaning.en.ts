import type { Message } from '../lib/i18n.ts';

/** What handshakes, frames and codes mean, in plain words: part of the texts of the wire view. */
export const meaning = {
  // The handshake
  'shake.intro':
    'A WebSocket begins as a request over HTTP. The server answers 101, and from then on the same TCP connection carries frames.',
  'shake.request': 'Request',
  'shake.response': 'Answer',
  'shake.exact': 'Byte for byte as it came.',
  'shake.rebuilt':
    'Put together again by the server: the headers are those that came, in alphabetical order.',
  'shake.unreported':
    'The server has not reported this handshake, and a page is not shown its own.',
  'shake.agreed': 'Agreed',
  'shake.protocol': 'Subprotocol',
  'shake.noProtocol': 'none: plain text',
  'shake.extensions': 'Extensions',
  'shake.noExtensions': 'none: nothing is compressed',
  'shake.deflate':
    'Long messages are compressed. “No context takeover” means that each is compressed by itself, so that the server does it once for everybody.',
  'shake.remote': 'From',
  'shake.resumed': 'Goes on',
  'shake.resumedAt': '{room}, behind number {after}',
  'shake.masked': 'Secrets are shown as •••.',

  'head.line':
    'The method, the address and the version. WebSocket always asks with GET, over HTTP/1.1.',
  'head.status':
    'Switching protocols: the server agrees. From here on no HTTP is spoken on this connection.',
  'head.host': 'The name of the server: one address can serve several.',
  'head.upgrade': 'What the connection is to become.',
  'head.connection': 'Upgrade is meant for the next server on the way, not only for the last.',
  'head.sec-websocket-key':
    '16 random bytes. The server has to answer with something made of them, so that no cache answers in its place. It is no secret.',
  'head.sec-websocket-version':
    'The version of the protocol: 13 is the one of RFC 6455, and the only one in use.',
  'head.sec-websocket-protocol':
    'What is to be spoken in the frames. The client offers, the server chooses one: here hubbub.v1.',
  'head.sec-websocket-extensions':
    'Additions to the protocol. permessage-deflate compresses messages; both sides must agree.',
  'head.sec-websocket-accept':
    'The key with a fixed text behind it, hashed by SHA-1: the proof that the server understood.',
  'head.origin':
    'The page that asks. Browsers let any page connect to anywhere; the server refuses those of others by this header.',
  'head.cookie': 'Says who you are. It is a secret, so it is not shown.',
  'head.authorization': 'Says who a program is. It is a secret, so it is not shown.',
  'head.user-agent': 'Which browser or program it is, in its own words.',
  'head.accept-encoding':
    'Which compression of HTTP bodies is understood. It has nothing to do with frames.',
  'head.accept-language': 'Which languages you read.',
  'head.cache': 'Wants no stored answer.',
  'head.sec-fetch':
    'Where the browser made this request from, and what for. Pages cannot forge it.',
  'head.forwarded': 'A proxy says whom it asks for.',
  'head.date': 'When the server answered.',
  'head.other': 'It means nothing for the WebSocket.',

  // What it means
  'mean.dial': 'Connection {number} of this page begins.',
  'mean.otherDial': 'Another client connects, from {from}.',
  'mean.end': 'The connection has ended.',
  'mean.endCode': 'The connection has ended, with code {code}. {what}',
  'mean.skipped': {
    one: '{n} report was left out: the server had more to tell than this page could read.',
    other: '{n} reports were left out: the server had more to tell than this page could read.',
  },
  'mean.plain.client': 'Plain text: what this client says is a message, byte for byte.',
  'mean.plain.server': 'Plain text: what somebody else said in the room.',
  'mean.binary': 'Bytes that are no text. This server takes none and ends the connection.',
  'mean.unseen': 'The server reports it; what was in it is not known here.',
  'mean.noFrame': 'This is no frame of hubbub.v1. It is ignored.',
  'mean.unknown': 'A frame of the kind “{kind}”, which this page does not know and ignores.',
  'mean.ping.client': 'The client asks: are you there?',
  'mean.ping.server': 'The server asks: are you there? The browser answers by itself.',
  'mean.pong.client': 'The browser answers the ping: I am here.',
  'mean.pong.server': 'The server answers the ping: I am here.',
  'mean.otherControl': 'A control frame that RFC 6455 does not know.',
  'mean.closeBare': 'Ends the connection, and gives no reason.',
  'mean.close': 'Ends the connection, with code {code}. {what}',
  'mean.hello': 'Says hello. The cookie of the handshake has said who it is.',
  'mean.helloToken': 'Says hello and who it is, by a token that is not shown.',
  'mean.openAfter': 'Goes on in {room} behind number {after}: only what came later is to be sent.',
  'mean.openLast': {
    one: 'Opens {room}, from the last event on.',
    other: 'Opens {room}, from the last {n} events on.',
  },
  'mean.open': 'Opens {room}, for what comes from now on.',
  'mean.closeRoom': 'Follows {room} no longer.',
  'mean.send':
    'Puts a message into {room}. Its id sees to it that it is stored once, however often it is sent.',
  'mean.sendThread': 'Puts a message into a thread in {room}.',
  'mean.edit': 'Changes message {target} in {room}.',
  'mean.delete': 'Deletes message {target} in {room}.',
  'mean.react': 'Puts {emoji} to message {target} in {room}.',
  'mean.unreact': 'Takes {emoji} back from message {target} in {room}.',
  'mean.typing': 'Somebody is writing here in {room}. It is never stored, and may be lost.',
  'mean.read': 'You have read {room} up to number {seq}.',
  'mean.attend': 'Somebody looks at this page: nothing has to alert you.',
  'mean.attendNot': 'Nobody looks at this page now: alerts may come.',
  'mean.fence': 'Asks for an answer when everything before this is done: fence {number}.',
  'mean.welcome': {
    one: 'The server knows you as {name}. It says its limits, and that a heartbeat comes every {n} second.',
    other:
      'The server knows you as {name}. It says its limits, and that a heartbeat comes every {n} seconds.',
  },
  'mean.you': 'You are called {name} from now on.',
  'mean.opened': '{room} is open. Its last number is {head}; here it goes on with {next}.',
  'mean.joined': '{room} is on your list, and stands like this.',
  'mean.left': '{room} is off your list, and closed.',
  'mean.report': 'For moderators: so much waits for them in {room}.',
  'mean.reset': 'Your place in {room} is no use any more: the page loads the room anew.',
  'mean.sent':
    'Your message got number {seq} in {room}. It is stored: it survives a crash and a power cut.',
  'mean.typingOf': '{name} is writing in {room}.',
  'mean.readOf': 'On another page you have read {room} up to number {seq}.',
  'mean.draft': 'What you have written in {room} and not sent, for your other devices.',
  'mean.online': '{name} is here.',
  'mean.away': '{name} is here, and looks at something else.',
  'mean.gone': '{name} has gone.',
  'mean.fenced': 'Everything before fence {number} is done.',
  'mean.heartbeat': {
    one: 'Heartbeat: you have everything, in {n} open room.',
    other: 'Heartbeat: you have everything, in {n} open rooms.',
  },
  'mean.heartbeatNone': 'Heartbeat: the server is there. No room is open.',
  'mean.heartbeatBehind': 'Heartbeat: in {room} something is missing here. The page asks for it.',
  'mean.error': 'Refused: {message} ({code}).',
  'mean.goodbye':
    'The server ends the connection ({why}). The page comes back after {seconds} seconds.',
  'mean.eventOwn': 'Your message is in the log of {room}, as number {seq}, for everybody.',
  'mean.eventMessage': 'Number {seq} in {room}: a message of {name}.',
  'mean.eventEdit': 'Number {seq} in {room}: {name} changed message {target}.',
  'mean.eventDelete': 'Number {seq} in {room}: {name} deleted message {target}.',
  'mean.eventReact': 'Number {seq} in {room}: {name} put {emoji} to message {target}.',
  'mean.eventUnreact': 'Number {seq} in {room}: {name} took {emoji} back from message {target}.',
  'mean.eventPin': 'Number {seq} in {room}: {name} pinned message {target}.',
  'mean.eventUnpin': 'Number {seq} in {room}: {name} unpinned message {target}.',
  'mean.eventPreview': 'Number {seq} in {room}: where the links of message {target} lead.',
  'mean.eventUnpreview':
    'Number {seq} in {room}: {name} took the previews of message {target} away.',
  'mean.eventErase': 'Number {seq} in {room}: everything up to number {target} is erased.',
  'mean.eventOther': 'Number {seq} in {room}: {kind}, by {name}.',
  'close.1000': 'Done.',
  'close.1001': 'One side goes away: a page that closes, or a server that stops.',
  'close.1002': 'The other side broke the rules of WebSocket.',
  'close.1003': 'A binary message: this server takes text alone.',
  'close.1005': 'No code was given.',
  'close.1006': 'The line was cut: there was no close frame.',
  'close.1007': 'A text that is not UTF-8.',
  'close.1008': 'It is not allowed.',
  'close.1009': 'The message was too large.',
  'close.1011': 'A defect of the server.',
  'close.1012': 'The server starts again.',
  'close.4401': 'The server does not know who this is.',
  'close.other': 'A code of this or another program.',
} as const satisfies Record<string, Message>;
