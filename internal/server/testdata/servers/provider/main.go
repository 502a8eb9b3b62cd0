// Command provider is a certified provider of OpenID Connect with one client and
// the library's own example people.
package main

import (
	"flag"
	"log"
	"log/slog"
	"net"
	"net/http"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address and port")
	redirect := flag.String("redirect", "", "where the client takes its people back")
	flag.Parse()
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	issuer := "http://localhost:" + port
	storage.RegisterClients(storage.WebClient("hubbub", "the secret", *redirect))
	people := storage.NewStorage(storage.NewUserStore(issuer))
	log.Fatal(http.Serve(l, exampleop.SetupServer(issuer, people, slog.Default(), false)))
}
