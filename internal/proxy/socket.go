package proxy

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"hubbub/internal/tap"
)

// socket passes on a handshake, and what follows if the server agrees.
func (p *Proxy) socket(client net.Conn, r *http.Request, head, behind []byte) {
	defer p.drop(client)
	server, err := p.dial()
	if err != nil {
		refuse(client, http.StatusBadGateway, "the server behind the proxy can not be reached: "+err.Error())
		return
	}
	if !p.hold(server) {
		return
	}
	defer p.drop(server)
	if _, err := server.Write(append(p.rename(head, r.Host), behind...)); err != nil {
		return
	}
	server.SetReadDeadline(time.Now().Add(headTime))
	in := bufio.NewReaderSize(server, maxHead)
	answer, err := readHead(in)
	if err != nil {
		refuse(client, http.StatusBadGateway, "the server behind the proxy gave no answer")
		return
	}
	server.SetReadDeadline(time.Time{})
	if _, err := client.Write(answer); err != nil {
		return
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), r)
	agreed := err == nil && resp.StatusCode == http.StatusSwitchingProtocols
	line := p.report(client, string(head), string(answer), resp)
	defer func() { line.End(time.Now()) }()
	if !agreed {
		io.Copy(client, in) // why
		return
	}
	line.FromClient(behind, time.Now())
	both(client, server, in, line)
}

// report begins to tell of a connection.
func (p *Proxy) report(client net.Conn, request, answer string, resp *http.Response) *tap.Line {
	h := tap.Handshake{Request: request, Response: answer, Exact: true, Remote: client.RemoteAddr().String()}
	opt := tap.Options{Text: shownText}
	up, down := opt, opt
	if resp != nil {
		h.Dialect = resp.Header.Get("Sec-WebSocket-Protocol")
		extensions := strings.ToLower(strings.Join(resp.Header.Values("Sec-WebSocket-Extensions"), ","))
		up.Takeover = !strings.Contains(extensions, "client_no_context_takeover")
		down.Takeover = !strings.Contains(extensions, "server_no_context_takeover")
	}
	up.Whole = h.Dialect == "hubbub.v1"
	line := tap.NewLineOf(p.conns.Add(1), p.ring, up, down)
	line.Begin(h, time.Now())
	return line
}

// both passes bytes on in both directions, and returns when both have ended.
func both(client, server net.Conn, in io.Reader, line *tap.Line) {
	var wg sync.WaitGroup
	one := func(to net.Conn, from io.Reader, tell func([]byte, time.Time)) {
		if !pass(to, from, tell) {
			client.Close()
			server.Close()
		}
	}
	wg.Go(func() { one(server, client, line.FromClient) })
	wg.Go(func() { one(client, in, line.FromServer) })
	wg.Wait()
}

// pass copies bytes, and reports them before they go on, so that no answer is reported
// before its question. It says whether the side that sends has ended as it should, so
// that the other may go on.
func pass(to net.Conn, from io.Reader, tell func([]byte, time.Time)) bool {
	buf := make([]byte, copyBytes)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			tell(buf[:n], time.Now())
			if _, err := to.Write(buf[:n]); err != nil {
				return false
			}
		}
		if err != nil {
			half, ok := to.(interface{ CloseWrite() error })
			return err == io.EOF && ok && half.CloseWrite() == nil
		}
	}
}
