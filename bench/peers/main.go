// Command peers holds servers to compare hubbub with, each written as its users
// would write it. It is a module of its own, so that what they need stays out of
// hubbub's.
//
//	peers gorilla PORT   a hub on gorilla/websocket: a goroutine and a channel for each connection, PreparedMessage
//	peers centrifuge PORT   the library of Centrifugo, engine in memory
//	peers floor PORT     nothing but one write(2) for each delivery: what no queue per connection can undercut
package main

import (
	"fmt"
	"log"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "peers NAME PORT")
		os.Exit(2)
	}
	addr := "127.0.0.1:" + os.Args[2]
	switch os.Args[1] {
	case "gorilla":
		log.Fatal(serveGorilla(addr))
	case "centrifuge":
		log.Fatal(serveCentrifuge(addr))
	case "floor":
		log.Fatal(serveFloor(addr))
	}
	log.Fatalf("there is no peer %q", os.Args[1])
}
