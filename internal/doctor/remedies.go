package doctor

import (
	"slices"
	"strings"
)

// All returns the remedies for each fault, with {names} where a check has values.
func All() map[Why][]Remedy { return remedies }

// Remedy is what mends a fault in one program's configuration.
type Remedy struct {
	For   string   `json:"for"`             // one of Programs
	In    string   `json:"in"`              // the part of the configuration
	Lines []string `json:"lines,omitempty"` // to be there, in place of others that set the same
	Out   []string `json:"out,omitempty"`   // beginnings of lines to be taken out
}

// ByItself says that the program does it right unless it is told otherwise.
func (r Remedy) ByItself() bool { return len(r.Lines) == 0 }

// Proxies are those for which there are remedies.
var Proxies = []string{"nginx", "caddy", "apache", "haproxy", "traefik"}

// Programs are what remedies are for: proxies, hubbub itself, and the machine's system.
var Programs = append([]string{"hubbub", "system"}, Proxies...)

// Names are how programs write themselves.
var Names = map[string]string{
	"nginx": "nginx", "caddy": "Caddy", "apache": "Apache", "haproxy": "HAProxy", "traefik": "Traefik", "hubbub": "hubbub", "system": "system",
}

func (r Remedy) with(v Values) Remedy {
	for _, lines := range []*[]string{&r.Lines, &r.Out} {
		*lines = slices.Clone(*lines)
		for i, line := range *lines {
			(*lines)[i] = fill(line, v)
		}
	}
	r.In = fill(r.In, v)
	return r
}

// Text is the remedy for a terminal.
func (r Remedy) Text() string {
	var b strings.Builder
	b.WriteString(Names[r.For])
	if r.In != "" {
		b.WriteString(", in " + r.In)
	}
	if r.ByItself() && len(r.Out) == 0 {
		return b.String() + ": does it right by itself\n"
	}
	b.WriteString(":\n")
	for _, line := range r.Lines {
		b.WriteString("    " + line + "\n")
	}
	for _, line := range r.Out {
		b.WriteString("    take out, if it is there: " + line + "\n")
	}
	return b.String()
}

// The parts of configurations that remedies are for.
const (
	location = "location / { }"
	site     = "reverse_proxy { }"
	vhost    = "<VirtualHost>"
	service  = "http.services.hubbub"
	headers  = "http.middlewares.NAME.headers"
)

// proxyPass is Apache's line to hubbub, with all that it needs. What it names is where
// hubbub listens.
var proxyPass = []string{`ProxyPass "/" "http://127.0.0.1:3000/" upgrade=websocket timeout=3600 flushpackets=on`}

// header returns the remedies for a request header that does not arrive as it was sent.
func header(name, nginx string) []Remedy {
	lower := strings.ToLower(name)
	return []Remedy{
		{For: "nginx", In: location, Lines: []string{"proxy_set_header " + name + " " + nginx + ";"}},
		{For: "caddy", In: site, Out: []string{"header_up " + name, "header_up -" + name}},
		{For: "apache", In: vhost, Out: []string{"RequestHeader unset " + name, "RequestHeader set " + name}},
		{For: "haproxy", In: "frontend, backend", Out: []string{
			"http-request del-header " + name, "http-request set-header " + name, "http-request del-header " + lower, "http-request set-header " + lower}},
		{For: "traefik", In: headers, Out: []string{"customRequestHeaders: " + name}},
	}
}

// certificate are the remedies for one that is not good.
var certificate = []Remedy{
	{For: "nginx", In: "server { }", Lines: []string{
		"ssl_certificate /etc/letsencrypt/live/{host}/fullchain.pem;", "ssl_certificate_key /etc/letsencrypt/live/{host}/privkey.pem;"}},
	{For: "caddy", In: "{host} { }", Lines: []string{"tls /etc/letsencrypt/live/{host}/fullchain.pem /etc/letsencrypt/live/{host}/privkey.pem"}},
	{For: "apache", In: vhost, Lines: []string{
		"SSLCertificateFile /etc/letsencrypt/live/{host}/fullchain.pem", "SSLCertificateKeyFile /etc/letsencrypt/live/{host}/privkey.pem"}},
	{For: "haproxy", In: "frontend", Lines: []string{"bind :443 ssl crt /etc/haproxy/certs/{host}.pem alpn h2,http/1.1"}},
	{For: "traefik", In: "tls.certificates", Lines: []string{
		"- certFile: /etc/letsencrypt/live/{host}/fullchain.pem", "  keyFile: /etc/letsencrypt/live/{host}/privkey.pem"}},
	{For: "system", Lines: []string{"certbot certonly --webroot --webroot-path /var/www/html --domain {host}"}},
}

var (
	publicURL    = Remedy{For: "hubbub", Lines: []string{"--public-url {origin}"}}
	believe      = Remedy{For: "hubbub", Lines: []string{"--trusted-proxies {client}"}}
	nginxUpgrade = Remedy{For: "nginx", In: location, Lines: []string{
		"proxy_http_version 1.1;", "proxy_set_header Upgrade $http_upgrade;", `proxy_set_header Connection "upgrade";`}}
	upgradeLines = []Remedy{
		nginxUpgrade,
		{For: "caddy", In: site, Out: []string{
			"header_up Upgrade", "header_up -Upgrade", "header_up Connection", "header_up -Connection", "header_up -Sec-WebSocket", "versions h2c", "buffer_responses"}},
		{For: "apache", In: vhost, Lines: proxyPass},
		{For: "haproxy", In: "frontend, backend", Out: []string{
			"http-request del-header Upgrade", "http-request set-header Upgrade", "http-request del-header Connection", "http-request set-header Connection",
			"http-request del-header Sec-WebSocket"}},
		{For: "traefik", In: headers, Out: []string{"customRequestHeaders: Upgrade", "customRequestHeaders: Connection"}},
	}
)

var idleLines = []Remedy{
	{For: "nginx", In: location, Lines: []string{"proxy_read_timeout 1h;", "proxy_send_timeout 1h;"}},
	{For: "caddy", In: site, Out: []string{"stream_timeout", "read_timeout", "write_timeout"}},
	{For: "apache", In: vhost, Lines: proxyPass},
	{For: "haproxy", In: "defaults, backend", Lines: []string{"timeout tunnel 1h"}},
	{For: "traefik", In: "entryPoints.NAME.transport.respondingTimeouts", Lines: []string{"readTimeout: 0", "idleTimeout: 1h"}},
}

// remedies are the lines for each fault. Those for nginx, Caddy, HAProxy and Apache are
// tried in proxies_test.go; Traefik's are from its documentation.
var remedies = map[Why][]Remedy{
	Gateway: {
		{For: "nginx", In: location, Lines: []string{"proxy_pass http://127.0.0.1:3000;"}},
		{For: "caddy", In: "{host} { }", Lines: []string{"reverse_proxy 127.0.0.1:3000"}},
		{For: "apache", In: vhost, Lines: proxyPass},
		{For: "haproxy", In: "backend", Lines: []string{"server hubbub 127.0.0.1:3000"}},
		{For: "traefik", In: service + ".loadBalancer.servers", Lines: []string{"- url: http://127.0.0.1:3000"}},
	},
	CertificateExpired: certificate,
	CertificateName:    certificate,
	CertificateChain:   certificate,
	OldHTTP: {
		nginxUpgrade,
		{For: "caddy", In: site},
		{For: "apache", In: vhost, Lines: proxyPass, Out: []string{"SetEnv force-proxy-request-1.0"}},
		{For: "haproxy", In: "backend"},
		{For: "traefik", In: service},
	},
	HostReplaced: {
		{For: "nginx", In: location, Lines: []string{"proxy_set_header Host $http_host;"}},
		{For: "caddy", In: site, Lines: []string{"header_up Host {hostport}"}},
		{For: "apache", In: vhost, Lines: []string{"ProxyPreserveHost On"}},
		{For: "haproxy", In: "frontend, backend", Out: []string{"http-request set-header Host", "http-request set-header host", "http-request replace-header Host"}},
		{For: "traefik", In: service + ".loadBalancer", Lines: []string{"passHostHeader: true"}},
	},
	HostUnknown:        {publicURL},
	OriginRemoved:      header("Origin", "$http_origin"),
	OriginReplaced:     header("Origin", "$http_origin"),
	OriginUnknown:      {publicURL},
	SchemeUnknown:      {publicURL},
	ForwardedUntrusted: {believe},
	ForwardedMissing: {
		{For: "nginx", In: location, Lines: []string{"proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"}},
		{For: "caddy", In: site, Out: []string{"header_up -X-Forwarded-For", "header_up X-Forwarded-For"}},
		{For: "apache", In: vhost, Lines: []string{"ProxyAddHeaders On"}},
		{For: "haproxy", In: "defaults, backend", Lines: []string{"option forwardfor"}, Out: []string{"http-request del-header X-Forwarded-For"}},
		{For: "traefik", In: headers, Out: []string{"customRequestHeaders: X-Forwarded-For"}},
		believe,
	},
	UpgradeMissing: upgradeLines,
	UpgradeRefused: upgradeLines,
	SocketDead:     upgradeLines,
	ChatSocket:     upgradeLines,
	CompressionLost: {
		{For: "nginx", In: location, Lines: []string{"proxy_set_header Sec-WebSocket-Extensions $http_sec_websocket_extensions;"}, Out: []string{"proxy_hide_header Sec-WebSocket-Extensions"}},
		{For: "caddy", In: site, Out: []string{"header_up -Sec-WebSocket-Extensions", "header_up Sec-WebSocket-Extensions", "header_down -Sec-WebSocket-Extensions"}},
		{For: "apache", In: vhost, Out: []string{"RequestHeader unset Sec-WebSocket-Extensions", "Header unset Sec-WebSocket-Extensions"}},
		{For: "haproxy", In: "frontend, backend", Out: []string{"http-request del-header Sec-WebSocket-Extensions", "http-response del-header Sec-WebSocket-Extensions"}},
		{For: "traefik", In: headers, Out: []string{"customRequestHeaders: Sec-WebSocket-Extensions"}},
	},
	Buffered: {
		{For: "nginx", In: location, Lines: []string{"proxy_buffering off;"}},
		{For: "caddy", In: site, Out: []string{"buffer_responses", "response_buffers"}},
		{For: "apache", In: vhost, Lines: proxyPass},
		{For: "haproxy", In: "frontend, backend", Out: []string{"http-response wait-for-body", "filter compression"}},
		{For: "traefik", In: service + ".loadBalancer.responseForwarding", Lines: []string{"flushInterval: 100ms"}, Out: []string{"buffering:"}},
	},
	ClockOff: {{For: "system", Lines: []string{"timedatectl set-ntp true"}}},
	IdleCut:  idleLines,
	IdleDead: idleLines,
}
