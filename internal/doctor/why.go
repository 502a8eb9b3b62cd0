package doctor

// Why is a fault, or which of the ways to be well or untested. It is stable: the page
// has its own texts for each.
type Why string

// Faults.
const (
	Unreachable        Why = "unreachable"
	Gateway            Why = "gateway"
	NotHubbub          Why = "not_hubbub"
	OldHubbub          Why = "old_hubbub"
	CertificateExpired Why = "certificate_expired"
	CertificateName    Why = "certificate_name"
	CertificateChain   Why = "certificate_chain"
	OldHTTP            Why = "old_http"
	HostReplaced       Why = "host_replaced"
	HostUnknown        Why = "host_unknown"
	OriginRemoved      Why = "origin_removed"
	OriginReplaced     Why = "origin_replaced"
	OriginUnknown      Why = "origin_unknown"
	SchemeUnknown      Why = "scheme_unknown"
	ForwardedMissing   Why = "forwarded_missing"
	ForwardedUntrusted Why = "forwarded_untrusted"
	UpgradeMissing     Why = "upgrade_missing"
	UpgradeRefused     Why = "upgrade_refused"
	SocketDead         Why = "socket_dead"
	ChatSocket         Why = "chat_socket"
	CompressionLost    Why = "compression_lost"
	Buffered           Why = "buffered"
	ClockOff           Why = "clock_off"
	IdleCut            Why = "idle_cut"
	IdleDead           Why = "idle_dead"
)

// Ways to be well.
const (
	Reached            Why = "reached"
	CertificateGood    Why = "certificate_good"
	CertificateNone    Why = "certificate_none"
	CertificateSeen    Why = "certificate_seen" // by a browser, which would have refused it
	HTTPGood           Why = "http_good"
	HostGood           Why = "host_good"
	OriginGood         Why = "origin_good"
	SchemeGood         Why = "scheme_good"
	ForwardedGood      Why = "forwarded_good"
	ForwardedAnnounced Why = "forwarded_announced"
	NoProxy            Why = "no_proxy"
	UpgradeGood        Why = "upgrade_good"
	SocketGood         Why = "socket_good"
	CompressionGood    Why = "compression_good"
	Streamed           Why = "streamed"
	ClockGood          Why = "clock_good"
	IdleLives          Why = "idle_lives"
	IdleLong           Why = "idle_long"
)

// Reasons why a check could not be made.
const (
	AfterReach  Why = "after_reach"
	AfterHost   Why = "after_host"
	AfterOrigin Why = "after_origin"
	AfterSocket Why = "after_socket"
	NotSent     Why = "not_sent"
	Skipped     Why = "skipped"
	Refused     Why = "refused"
	Cut         Why = "cut"
)

var sentences = map[Why]string{
	Unreachable:        "Nothing answers at {host}: {error}.",
	Gateway:            "A proxy answers with {status}: it does not reach hubbub behind it.",
	NotHubbub:          "What answers at {host} is no hubbub: it said {status}.",
	OldHubbub:          "The hubbub at {host} is too old for the doctor.",
	CertificateExpired: "The certificate expired on {until}.",
	CertificateName:    "The certificate is for {names}, not for {host}.",
	CertificateChain:   "The certificate is not trusted: it is self-made, or the proxy does not send the certificates between it and a known authority.",
	OldHTTP:            "The proxy speaks {version} to hubbub; WebSockets need HTTP/1.1.",
	HostReplaced:       "The proxy replaces Host: {host} was sent, {got} arrived.",
	HostUnknown:        "hubbub does not know that it is called {host}, and refuses to answer.",
	OriginRemoved:      "The proxy removes Origin: hubbub can not tell its own page from foreign ones.",
	OriginReplaced:     "The proxy replaces Origin: {origin} was sent, {got} arrived. The page's sockets are refused.",
	OriginUnknown:      "hubbub takes its address for {expected}, not for {origin}: the page's sockets are refused.",
	SchemeUnknown:      "hubbub takes its address for {expected}, though it is reached by {scheme}: the page's sockets are refused.",
	ForwardedMissing:   "The proxy does not say for whom it asks (X-Forwarded-For): for limits and bans, everybody is {client}.",
	ForwardedUntrusted: "hubbub does not believe the proxy for whom it asks, as {client} is none of its trusted proxies: for limits and bans, everybody is {client}.",
	UpgradeMissing:     "The proxy does not pass on what makes a WebSocket: {lost} did not arrive (Connection arrived as: {connection}).",
	UpgradeRefused:     "The proxy answers {status} where a WebSocket should begin.",
	SocketDead:         "A WebSocket begins, but messages do not come through: {error}.",
	ChatSocket:         "The test socket works, but the chat's own at / does not: {error}.",
	CompressionLost:    "The proxy removes Sec-WebSocket-Extensions: messages go uncompressed.",
	Buffered:           "The proxy holds answers back until they are complete.",
	ClockOff:           "The server's clock is {seconds} seconds away from the one here.",
	IdleDead:           "A silent socket stays open, but passes on nothing any more after {seconds} seconds.",
	IdleCut:            "A silent socket is cut after {seconds} seconds; hubbub is silent for up to {heartbeat} seconds.",

	Reached:            "hubbub {version} answers.",
	CertificateGood:    "For {names}, good until {until}.",
	CertificateNone:    "There is none: the address is not HTTPS.",
	CertificateSeen:    "The browser has accepted it.",
	HTTPGood:           "{version} arrives.",
	HostGood:           "{got} arrives.",
	OriginGood:         "{origin} arrives, and is hubbub's own.",
	SchemeGood:         "hubbub knows that it is reached by {scheme}.",
	ForwardedGood:      "The proxy is trusted; you come from {client}.",
	ForwardedAnnounced: "The proxy says it by the PROXY protocol; you come from {client}.",
	NoProxy:            "There is no sign of a proxy; you come from {client}.",
	UpgradeGood:        "Upgrade, Connection and Sec-WebSocket-* arrive.",
	SocketGood:         "Messages go there and back, and the chat's own socket opens.",
	CompressionGood:    "permessage-deflate is agreed on.",
	Streamed:           "Answers come while they are made.",
	ClockGood:          "The server's clock is right.",
	IdleLives:          "A silent socket lived {seconds} seconds, to the end of the test; hubbub is silent for up to {heartbeat} seconds.",
	IdleLong:           "A silent socket is cut after {seconds} seconds; hubbub is never silent for longer than {heartbeat} seconds.",

	AfterReach:  "Not before a hubbub answers.",
	AfterHost:   "Not before Host arrives.",
	AfterOrigin: "Not before the page's sockets are let in.",
	AfterSocket: "Not before a socket opens.",
	NotSent:     "Nothing was sent that could show it.",
	Skipped:     "Left out.",
	Refused:     "hubbub refuses it for now: {error}.",
	Cut:         "The connection broke: {error}.",
}
