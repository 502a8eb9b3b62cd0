package doctor_test

import (
	"strings"

	"hubbub/internal/doctor"
)

func without(line string) func(string) string {
	return func(config string) string { return strings.Replace(config, line+"\n", "", 1) }
}

func instead(of, line string) func(string) string {
	return func(config string) string { return strings.Replace(config, of, line, 1) }
}

// words are the first n of a line.
func words(line string, n int) string {
	all := strings.Fields(line)
	return strings.Join(all[:min(n, len(all))], " ")
}

var programs = []*program{
	{
		name: "nginx", binary: "nginx",
		args: func(dir, config string) []string { return []string{"-p", dir, "-c", config, "-e", dir + "/error.log"} },
		right: `daemon off;
master_process off;
pid DIR/pid;
events { }
http {
access_log off;
client_body_temp_path DIR/body;
proxy_temp_path DIR/proxy;
fastcgi_temp_path DIR/fastcgi;
uwsgi_temp_path DIR/uwsgi;
scgi_temp_path DIR/scgi;
server {
listen 127.0.0.1:PORT ssl http2;
ssl_certificate CERTS/good/fullchain.pem;
ssl_certificate_key CERTS/good/privkey.pem;
location / {
proxy_pass http://127.0.0.1:UPSTREAM;
proxy_http_version 1.1;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection "upgrade";
proxy_set_header Host $http_host;
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
proxy_buffering off;
proxy_read_timeout 1h;
proxy_send_timeout 1h;
}
}
}
`,
		blocks: func(line, in string) bool { return line == strings.TrimSuffix(in, " }") },
		sets: func(line string) string {
			if strings.HasPrefix(line, "proxy_set_header ") {
				return words(line, 2)
			}
			return words(line, 1)
		},
		more: map[string][]doctor.Why{"no upgrade": {doctor.OldHTTP}},
		wrong: map[string]func(string) string{
			"no upgrade": func(c string) string { // nginx's default
				return without(`proxy_set_header Connection "upgrade";`)(without("proxy_set_header Upgrade $http_upgrade;")(without("proxy_http_version 1.1;")(c)))
			},
			"other host":             without("proxy_set_header Host $http_host;"), // nginx's default
			"buffering":              without("proxy_buffering off;"),              // nginx's default
			"short time-out":         instead("proxy_read_timeout 1h;", "proxy_read_timeout 1s;"),
			"expired certificate":    otherCertificate("expired"),
			"certificate of another": otherCertificate("other"),
			"incomplete chain":       otherCertificate("lone"),
			"no compression":         instead("proxy_buffering off;", "proxy_buffering off;\nproxy_set_header Sec-WebSocket-Extensions \"\";"),
			"no origin":              instead("proxy_buffering off;", "proxy_buffering off;\nproxy_set_header Origin \"\";"),
			"nobody's address":       without("proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"), // nginx's default
			"nothing behind it":      instead("127.0.0.1:UPSTREAM", "127.0.0.1:9"),
		},
	},
	{
		name: "caddy", binary: "caddy",
		args: func(_, config string) []string {
			return []string{"run", "--adapter", "caddyfile", "--config", config}
		},
		right: `{
admin off
auto_https off
}
https://localhost:PORT {
bind 127.0.0.1
tls CERTS/good/fullchain.pem CERTS/good/privkey.pem
reverse_proxy 127.0.0.1:UPSTREAM {
}
}
`,
		blocks: func(line, in string) bool {
			return strings.HasSuffix(line, "{") && (strings.HasPrefix(in, "reverse_proxy") == strings.HasPrefix(line, "reverse_proxy")) && line != "{"
		},
		sets: func(line string) string {
			if strings.HasPrefix(line, "header_up ") {
				return words(line, 2)
			}
			return words(line, 1)
		},
		more: map[string][]doctor.Why{"buffering": {doctor.UpgradeRefused}}, // it holds back a socket's answer too
		wrong: map[string]func(string) string{
			"no upgrade":             caddyLine("header_up -Upgrade"),
			"other host":             caddyLine("header_up Host backend.example"),
			"buffering":              caddyLine("buffer_responses"),
			"short time-out":         caddyLine("transport http {\nread_timeout 1s\n}"),
			"expired certificate":    otherCertificate("expired"),
			"certificate of another": otherCertificate("other"),
			"incomplete chain":       otherCertificate("lone"),
			"no compression":         caddyLine("header_up -Sec-WebSocket-Extensions"),
			"no origin":              caddyLine("header_up -Origin"),
			"nobody's address":       caddyLine("header_up -X-Forwarded-For"),
			"nothing behind it":      instead("127.0.0.1:UPSTREAM", "127.0.0.1:9"),
		},
	},
	{
		name: "haproxy", binary: "haproxy",
		args: func(_, config string) []string { return []string{"-db", "-f", config} },
		right: `global
defaults
mode http
timeout connect 5s
timeout client 20s
timeout server 20s
timeout tunnel 1h
option forwardfor
frontend outside
bind 127.0.0.1:PORT ssl crt CERTS/good/both.pem alpn h2,http/1.1
default_backend inside
backend inside
server hubbub 127.0.0.1:UPSTREAM
`,
		blocks: func(line, in string) bool { return words(line, 1) == strings.Split(in, ",")[0] },
		sets: func(line string) string {
			switch w := words(line, 1); w {
			case "timeout", "option", "server":
				return words(line, 2)
			case "http-request":
				return ""
			default:
				return w
			}
		},
		wrong: map[string]func(string) string{
			"no upgrade":             haproxyLine("http-request del-header Upgrade"),
			"other host":             haproxyLine("http-request set-header Host backend.example"),
			"buffering":              haproxyLine("http-response wait-for-body time 10s"),
			"short time-out":         instead("timeout tunnel 1h", "timeout tunnel 1s"),
			"expired certificate":    otherCertificate("expired"),
			"certificate of another": otherCertificate("other"),
			"incomplete chain":       otherCertificate("lone"),
			"no compression":         haproxyLine("http-request del-header Sec-WebSocket-Extensions"),
			"no origin":              haproxyLine("http-request del-header Origin"),
			"nobody's address":       without("option forwardfor"), // HAProxy's default
			"nothing behind it":      instead("127.0.0.1:UPSTREAM", "127.0.0.1:9"),
		},
	},
	{
		name: "apache", binary: "apache2",
		args: func(dir, config string) []string { return []string{"-X", "-d", dir, "-f", config} },
		right: `ServerName localhost
PidFile DIR/pid
DefaultRuntimeDir DIR
ErrorLog DIR/error.log
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
User nobody
Group nogroup
Mutex pthread
Listen 127.0.0.1:PORT
<VirtualHost 127.0.0.1:PORT>
SSLEngine on
SSLCertificateFile CERTS/good/fullchain.pem
SSLCertificateKeyFile CERTS/good/privkey.pem
ProxyPreserveHost On
ProxyPass "/" "http://127.0.0.1:UPSTREAM/" upgrade=websocket timeout=3600 flushpackets=on
</VirtualHost>
`,
		blocks: func(line, in string) bool { return strings.HasPrefix(line, strings.TrimSuffix(in, ">")+" ") },
		sets:   func(line string) string { return words(line, 1) },
		wrong: map[string]func(string) string{
			"no upgrade":             instead(" upgrade=websocket", ""), // Apache's default
			"other host":             without("ProxyPreserveHost On"),   // Apache's default
			"buffering":              nil,                               // it holds nothing back
			"short time-out":         instead(" timeout=3600 flushpackets=on", "\nTimeOut 1"),
			"expired certificate":    otherCertificate("expired"),
			"certificate of another": otherCertificate("other"),
			"incomplete chain":       otherCertificate("lone"),
			"no compression":         apacheLine("RequestHeader unset Sec-WebSocket-Extensions"),
			"no origin":              apacheLine("RequestHeader unset Origin"),
			"nobody's address":       apacheLine("ProxyAddHeaders Off"),
			"nothing behind it":      instead("127.0.0.1:UPSTREAM", "127.0.0.1:9"),
		},
	},
}

func otherCertificate(kind string) func(string) string {
	return func(c string) string { return strings.ReplaceAll(c, "CERTS/good", "CERTS/"+kind) }
}

func caddyLine(line string) func(string) string {
	return instead("UPSTREAM {", "UPSTREAM {\n"+line)
}

func haproxyLine(line string) func(string) string {
	return instead("server hubbub", line+"\nserver hubbub")
}

func apacheLine(line string) func(string) string {
	return instead("ProxyPreserveHost On", "ProxyPreserveHost On\n"+line)
}
