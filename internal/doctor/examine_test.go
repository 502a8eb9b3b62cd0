package doctor_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hubbub/internal/doctor"
)

// arrival is a request that came whole through a proxy, and what a server knows of it.
func arrival() (doctor.Sent, doctor.Arrived, doctor.Knows) {
	u, _ := doctor.Address("https://chat.example.org")
	return doctor.Sent{URL: u, Socket: true, Origin: true},
		doctor.Arrived{Proto: "HTTP/1.1", Host: "chat.example.org", Headers: map[string]string{
			"Upgrade": "websocket", "Connection": "keep-alive, Upgrade", "Sec-Websocket-Key": doctor.Hidden, "Sec-Websocket-Version": "13",
			"Sec-Websocket-Extensions": "x, permessage-deflate; client_max_window_bits", "Origin": "https://chat.example.org", "X-Forwarded-For": "192.0.2.1",
		}},
		doctor.Knows{Version: "test", Origin: "https://chat.example.org", Trusted: true, Client: "192.0.2.1", Heartbeat: 25000}
}

func TestExamine(t *testing.T) {
	type change func(*doctor.Sent, *doctor.Arrived, *doctor.Knows)
	without := func(name string) change {
		return func(_ *doctor.Sent, a *doctor.Arrived, _ *doctor.Knows) { delete(a.Headers, name) }
	}
	for what, x := range map[string]struct {
		change change
		check  string
		want   doctor.Why
	}{
		"whole":                {func(*doctor.Sent, *doctor.Arrived, *doctor.Knows) {}, "", ""},
		"with its port":        {func(_ *doctor.Sent, a *doctor.Arrived, _ *doctor.Knows) { a.Host += ":443" }, "", ""},
		"in capitals":          {func(_ *doctor.Sent, a *doctor.Arrived, _ *doctor.Knows) { a.Host = "Chat.Example.ORG" }, "", ""},
		"another port":         {func(_ *doctor.Sent, a *doctor.Arrived, _ *doctor.Knows) { a.Host += ":3000" }, doctor.CheckHost, doctor.HostReplaced},
		"another name":         {func(_ *doctor.Sent, a *doctor.Arrived, _ *doctor.Knows) { a.Host = "127.0.0.1:3000" }, doctor.CheckHost, doctor.HostReplaced},
		"HTTP/1.0":             {func(_ *doctor.Sent, a *doctor.Arrived, _ *doctor.Knows) { a.Proto = "HTTP/1.0" }, doctor.CheckHTTP, doctor.OldHTTP},
		"no Upgrade":           {without("Upgrade"), doctor.CheckUpgrade, doctor.UpgradeMissing},
		"no Connection":        {without("Connection"), doctor.CheckUpgrade, doctor.UpgradeMissing},
		"no key":               {without("Sec-Websocket-Key"), doctor.CheckUpgrade, doctor.UpgradeMissing},
		"no version":           {without("Sec-Websocket-Version"), doctor.CheckUpgrade, doctor.UpgradeMissing},
		"no extensions":        {without("Sec-Websocket-Extensions"), doctor.CheckCompression, doctor.CompressionLost},
		"no origin":            {without("Origin"), doctor.CheckOrigin, doctor.OriginRemoved},
		"another origin":       {func(_ *doctor.Sent, a *doctor.Arrived, _ *doctor.Knows) { a.Headers["Origin"] = "null" }, doctor.CheckOrigin, doctor.OriginReplaced},
		"an origin of its own": {func(_ *doctor.Sent, _ *doctor.Arrived, k *doctor.Knows) { k.Origin += ":8443" }, doctor.CheckOrigin, doctor.OriginUnknown},
		"http inside":          {func(_ *doctor.Sent, _ *doctor.Arrived, k *doctor.Knows) { k.Origin = "http://chat.example.org" }, doctor.CheckScheme, doctor.SchemeUnknown},
		"not trusted":          {func(_ *doctor.Sent, _ *doctor.Arrived, k *doctor.Knows) { k.Trusted = false }, doctor.CheckForwarded, doctor.ForwardedUntrusted},
		"nobody's address":     {without("X-Forwarded-For"), doctor.CheckForwarded, doctor.ForwardedMissing},
		"by the PROXY protocol": {func(_ *doctor.Sent, a *doctor.Arrived, k *doctor.Knows) {
			delete(a.Headers, "X-Forwarded-For")
			k.Announced, k.Trusted = true, false
		}, "", ""},
		"straight, TLS": {func(_ *doctor.Sent, a *doctor.Arrived, k *doctor.Knows) {
			delete(a.Headers, "X-Forwarded-For")
			k.TLS, k.Trusted = true, false
		}, "", ""},
	} {
		s, a, k := arrival()
		x.change(&s, &a, &k)
		for _, c := range doctor.Examine(s, a, k) {
			if c.State == doctor.Faulty && (c.ID != x.check || c.Why != x.want) {
				t.Errorf("%s: %s is %s", what, c.ID, c.Why)
			}
			if c.ID == x.check && c.Why != x.want {
				t.Errorf("%s: %s is %s, not %s", what, c.ID, c.Why, x.want)
			}
			if text := c.Sentence(); text == "" || strings.ContainsAny(text, "{}") {
				t.Errorf("%s: %s says %q", what, c.ID, text)
			}
			for _, m := range c.Mends() {
				if text := m.Text(); strings.Contains(text, "{host}") || strings.Contains(text, "{client}") || strings.Contains(text, "{origin}") {
					t.Errorf("%s: %s", what, text)
				}
			}
		}
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		"chat.example.org": "https://chat.example.org", "wss://chat.example.org:443/": "https://chat.example.org", "http://Chat.example.org:80": "http://chat.example.org",
		"ws://[::1]:3000": "http://[::1]:3000", "https://x:y@chat.example.org": "", "https://": "", "mailto:x": "", "https://chat.example.org/r/lobby": "",
	} {
		got := ""
		if u, err := doctor.Address(text); err == nil {
			got = doctor.Origin(u)
		}
		if got != want {
			t.Errorf("%s is %q, not %q", text, got, want)
		}
	}
}

// Whatever answers, the doctor says in words what it is; a proxy's own certificate is
// looked at by itself.
func TestOtherAnswers(t *testing.T) {
	for what, x := range map[string]struct {
		answer http.HandlerFunc
		want   doctor.Why
	}{
		"a wiki":         {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<p>Welcome")) }, doctor.NotHubbub},
		"other JSON":     {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"server":{}}`)) }, doctor.NotHubbub},
		"elsewhere":      {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "https://elsewhere.example", 302) }, doctor.NotHubbub},
		"a lonely proxy": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, doctor.Gateway},
		"an old hubbub": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(404)
			w.Write([]byte(`{"error":{"code":"not_found","message":"there is nothing at that address"}}`))
		}, doctor.OldHubbub},
		"a ban": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(403)
			w.Write([]byte(`{"error":{"code":"banned","message":"you are banned from this place"}}`))
		}, doctor.Refused},
	} {
		s := httptest.NewUnstartedServer(x.answer)
		s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		s.StartTLS()
		u, err := doctor.Address(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		r, err := doctor.Run(t.Context(), u, doctor.Options{Quick: true})
		if got := r.Check(doctor.CheckReach).Why; got != x.want || err != nil {
			t.Errorf("%s: %s, %v", what, got, err)
		}
		if got := r.Check(doctor.CheckCertificate).Why; got != doctor.CertificateChain {
			t.Errorf("%s: its certificate is %s", what, got)
		}
		s.Close()
	}
}

func TestClockAndSilence(t *testing.T) {
	for ahead, want := range map[time.Duration]doctor.Why{0: doctor.ClockGood, 59 * time.Second: doctor.ClockGood, -time.Hour: doctor.ClockOff, 61 * time.Second: doctor.ClockOff} {
		if got := doctor.Clock(ahead); got.Why != want {
			t.Errorf("%s ahead: %s", ahead, got.Why)
		}
	}
	const beat, most = 25 * time.Second, 70 * time.Second
	for lived, want := range map[time.Duration]doctor.Why{-1: doctor.IdleDead, beat: doctor.IdleCut, doctor.Needed(beat): doctor.IdleLong, 60 * time.Second: doctor.IdleLong, most: doctor.IdleLives} {
		if got := doctor.Silence(lived, most, beat); got.Why != want {
			t.Errorf("lived %s: %s", lived, got.Why)
		}
	}
}
