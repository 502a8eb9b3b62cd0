package preview

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"hubbub/internal/chat"
	"hubbub/internal/picture"
)

const (
	pageTime     = 5 * time.Second // for one page, with all redirects
	pageBytes    = 512 << 10
	imageTime    = 5 * time.Second
	imageBytes   = 4 << 20
	imageSide    = 480
	maxRedirects = 3
	hostPause    = time.Second // between two requests to a host
	hostPatience = 4 * time.Second
)

var errAddress = errors.New("preview: that address is not followed")

// Guard decides, when a connection is about to be made, whether it may be: by the
// address itself, behind which there are no names any more.
type Guard func(network, address string, c syscall.RawConn) error

// Public lets through what is an address of the open internet, at the ports of the web,
// and not in a network that this machine is in itself: with IPv6 the printer next door
// has an address of the open internet too.
func Public() Guard {
	open := ssrf.New()
	return func(network, address string, c syscall.RawConn) error {
		if err := open.Safe(network, address, c); err != nil {
			return err
		}
		return far(address, net.InterfaceAddrs)
	}
}

var errNear = errors.New("preview: that address is in a network of this machine")

func far(address string, own func() ([]net.Addr, error)) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	all, err := own()
	if err != nil {
		return err
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.Contains(to.Addr().AsSlice()) {
			return errNear
		}
	}
	return nil
}

// fetcher asks other servers. Every connection goes past its guard: for each redirect,
// and whatever a name meant a moment before.
type fetcher struct {
	client *http.Client
	hosts  polite
}

func newFetcher(guard Guard, resolver *net.Resolver) *fetcher {
	dialer := &net.Dialer{Timeout: 3 * time.Second, Control: guard, Resolver: resolver, FallbackDelay: -1}
	return &fetcher{client: &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil, // it would dial for us, past the guard
			DialContext:            dialer.DialContext,
			DisableKeepAlives:      true,
			TLSHandshakeTimeout:    3 * time.Second,
			ResponseHeaderTimeout:  4 * time.Second,
			MaxResponseHeaderBytes: 32 << 10,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			r.Header.Del("Referer")
			if len(via) > maxRedirects {
				return errors.New("preview: too many redirects")
			}
			return allowed(r.URL)
		},
	}}
}

// look follows a link.
func (f *fetcher) look(ctx context.Context, link string) (p chat.Preview, image []byte, err error) {
	at, p, err := f.page(ctx, link)
	if err != nil || at == "" {
		return p, nil, err
	}
	image, err = f.image(ctx, at)
	if err != nil {
		image = nil // a page without a picture, then
	}
	return p, image, nil
}

// page returns what a page says of itself.
func (f *fetcher) page(ctx context.Context, link string) (image string, p chat.Preview, err error) {
	ctx, cancel := context.WithTimeout(ctx, pageTime)
	defer cancel()
	resp, err := f.get(ctx, link, "text/html,application/xhtml+xml")
	if err != nil {
		return "", p, err
	}
	defer resp.Body.Close()
	contentType := resp.Header.Get("Content-Type")
	if kind, _, _ := mime.ParseMediaType(contentType); kind != "text/html" && kind != "application/xhtml+xml" {
		return "", p, fmt.Errorf("preview: %q is no page", kind)
	}
	p, image = readHead(io.LimitReader(resp.Body, pageBytes), contentType, resp.Request.URL)
	return image, p, nil
}

// image returns a picture, small and made anew.
func (f *fetcher) image(ctx context.Context, link string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, imageTime)
	defer cancel()
	resp, err := f.get(ctx, link, "image/jpeg,image/png,image/webp,image/gif")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, imageBytes+1))
	if err != nil || len(data) > imageBytes {
		return nil, errors.Join(err, errors.New("preview: the picture is too large"))
	}
	info, err := picture.Look(data)
	if err != nil || !info.Decodable {
		return nil, errors.Join(err, picture.ErrDamaged)
	}
	small, _, _, err := picture.Small(ctx, data, imageSide)
	return small, err
}

// get asks a server that is not asked by us at the moment.
func (f *fetcher) get(ctx context.Context, link, accept string) (*http.Response, error) {
	u, err := parse(link)
	if err != nil {
		return nil, err
	}
	if err := f.hosts.wait(ctx, u); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", "hubbub-preview/1")
	r.Header.Set("Accept", accept)
	resp, err := f.client.Do(r)
	if err == nil && resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		err = fmt.Errorf("preview: status %d", resp.StatusCode)
	}
	return resp, err
}

// polite spaces requests to the same host.
type polite struct {
	mu   sync.Mutex // guards the following
	next map[string]time.Time
}

func (p *polite) wait(ctx context.Context, u *url.URL) error {
	host, now := u.Hostname(), time.Now()
	p.mu.Lock()
	if p.next == nil {
		p.next = make(map[string]time.Time)
	}
	for h, t := range p.next {
		if t.Before(now) {
			delete(p.next, h)
		}
	}
	at := now
	if t, ok := p.next[host]; ok {
		at = t
	}
	if at.Sub(now) > hostPatience {
		p.mu.Unlock()
		return errors.New("preview: that host is asked too often")
	}
	p.next[host] = at.Add(hostPause)
	p.mu.Unlock()
	select {
	case <-time.After(at.Sub(now)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
