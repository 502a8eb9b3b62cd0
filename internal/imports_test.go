// Package internal_test keeps the imports pointing one way.
package internal_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport says which of our packages each package may import. Whoever wants
// to add a line should first ask whether the code belongs elsewhere.
var mayImport = map[string]string{
	"internal/chat":      "",
	"internal/wire":      "internal/chat",
	"internal/hub":       "internal/chat internal/wire",
	"internal/names":     "internal/chat",
	"internal/picture":   "",
	"internal/outside":   "",
	"internal/tap":       "",
	"internal/explain":   "internal/tap",
	"internal/proxy":     "internal/tap",
	"internal/files":     "internal/chat internal/picture",
	"internal/preview":   "internal/chat internal/picture",
	"internal/hooks":     "internal/chat internal/wire internal/outside",
	"internal/alert":     "internal/chat internal/outside",
	"internal/gate":      "internal/chat internal/ledger internal/names internal/picture",
	"internal/ws":        "internal/chat internal/ledger internal/wire internal/hub internal/names internal/tap",
	"internal/search":    "internal/chat",
	"internal/doctor":    "",
	"internal/api":       "internal/doctor internal/chat internal/wire internal/hub internal/names internal/files internal/gate internal/search internal/tap internal/ws internal/hooks internal/alert internal/outside",
	"internal/sqlstore":  "internal/chat", // for the two stores alone
	"internal/sqlite":    "internal/chat internal/sqlstore",
	"internal/postgres":  "internal/chat internal/sqlstore",
	"internal/pgtest":    "", // for tests alone
	"internal/s3test":    "", // likewise
	"internal/storetest": "internal/chat",
	"internal/ledger":    "internal/chat",
	"internal/natsbus":   "internal/chat",
	"internal/bustest":   "internal/chat",
	"internal/client":    "internal/chat internal/wire",
	"internal/server":    "internal/ledger internal/names internal/chat internal/files internal/preview internal/hub internal/gate internal/search internal/ws internal/api internal/sqlstore internal/sqlite internal/postgres internal/natsbus internal/hooks internal/alert internal/outside web",
	"web":                "",
	"cmd/hubbub":         "internal/server internal/tap internal/explain internal/proxy internal/doctor",
	"bench":              "",
	"chaos":              "internal/chat internal/wire internal/client internal/sqlite",
}

// onlyIn says where a package from outside belongs.
var onlyIn = map[string]string{
	// search keeps an index that can be made anew at any time: a file of its own, so that
	// no append waits for it.
	"database/sql":                                   "internal/sqlstore internal/sqlite internal/postgres internal/search chaos",
	"github.com/jackc/pgx/v5":                        "internal/postgres internal/pgtest",
	"github.com/jackc/pgx/v5/stdlib":                 "internal/postgres",
	"github.com/jackc/pgx/v5/pgconn":                 "internal/postgres",
	"modernc.org/sqlite":                             "internal/sqlite internal/search chaos",
	"github.com/gobwas/ws":                           "internal/ws",
	"github.com/coder/websocket":                     "internal/client internal/doctor",
	"github.com/spf13/cobra":                         "cmd/hubbub",
	"github.com/prometheus/client_golang/prometheus": "internal/server",
	"github.com/go-webauthn/webauthn/webauthn":       "internal/gate",
	"golang.org/x/crypto/argon2":                     "internal/gate",
	"golang.org/x/oauth2":                            "internal/gate",
	"github.com/caddyserver/certmagic":               "internal/server",
	"github.com/tus/tusd/v2/pkg/handler":             "internal/files",
	"github.com/bep/imagemeta":                       "internal/picture",
	"code.dny.dev/ssrf":                              "internal/outside internal/preview",
	"golang.org/x/net/html":                          "internal/preview",
	"rsc.io/qr":                                      "internal/api",
	"github.com/SherClockHolmes/webpush-go":          "internal/alert",

	"github.com/nats-io/nats.go":   "internal/natsbus",
	"github.com/minio/minio-go/v7": "internal/files internal/s3test",

	// Imports of tests are not looked at; these are for tests alone.
	"github.com/getkin/kin-openapi/openapi3":       "",
	"github.com/getkin/kin-openapi/openapi3filter": "",
	"github.com/getkin/kin-openapi/routers":        "",
	"github.com/nats-io/nats-server/v2/server":     "",
	"github.com/nats-io/jwt/v2":                    "",
	"github.com/nats-io/nkeys":                     "",
}

func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "hubbub/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	d := json.NewDecoder(strings.NewReader(string(out)))
	for d.More() {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, "hubbub/")
		if name == "internal" {
			continue // this test
		}
		ours, known := mayImport[name]
		if !known {
			t.Errorf("%s is new: give it a line in this test, and a reason in docs/architecture.md", name)
		}
		for _, imp := range p.Imports {
			if own, ok := strings.CutPrefix(imp, "hubbub/"); ok && !slices.Contains(strings.Fields(ours), own) {
				t.Errorf("%s may not import %s", name, own)
			}
			if name == "internal/chat" && strings.Contains(strings.Split(imp, "/")[0], ".") {
				t.Errorf("chat holds the nouns and stands on the standard library alone, not on %s", imp)
			}
			if where, ok := onlyIn[imp]; ok && !slices.Contains(strings.Fields(where), name) {
				t.Errorf("%s may not import %s: only %s may", name, imp, where)
			}
		}
	}
}
