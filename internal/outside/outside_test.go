package outside

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The address that is dialled decides, not the name that was asked for.
func TestClient(t *testing.T) {
	asked := 0
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer receiver.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(receiver.URL, "http://"), ":")
	for _, host := range []string{
		"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
		"[fe80::1]", "[fd00::1]", "224.0.0.1", "2130706433", "0x7f.1",
	} {
		resp, err := Client(false).Get("http://" + host + ":" + port + "/")
		if err == nil {
			resp.Body.Close()
			t.Errorf("%s was reached", host)
		} else if strings.Contains(host, ".") && !Refused(err) && host != "0x7f.1" {
			t.Errorf("%s: %v", host, err)
		}
	}
	if asked > 0 {
		t.Fatalf("it was asked %d times", asked)
	}
	resp, err := Client(true).Get(receiver.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusFound || asked != 1 {
		t.Errorf("a redirect was followed: %d after %d requests", resp.StatusCode, asked)
	}
	for _, address := range []string{"http://127.0.0.1:25/", "http://169.254.169.254/latest"} {
		if _, err := Client(true).Get(address); !Refused(err) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]bool{
		"https://example.org": true, "https://example.org:8443/a?b=c": true, "http://example.org": false,
		"": false, "example.org": false, "https://": false, "https:example.org": false, "https://user:secret@example.org": false,
		"javascript:alert(1)": false, "file:///etc/passwd": false, "https://example.org:0": false, "https://example.org:99999": false,
		"https://" + strings.Repeat("a", 2000): false,
	} {
		if _, ok := Address(text, "https"); ok != want {
			t.Errorf("%.60q: %v", text, ok)
		}
	}
}
