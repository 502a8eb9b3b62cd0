package server

import "net"

// Restart has Serve stop gracefully and return ErrRestart. It does not wait, and may be
// called from any goroutine.
func (s *Server) Restart() {
	select {
	case s.restart <- struct{}{}:
	default:
	}
}

// Again returns the configuration of the server that comes after this one, whose Serve
// has returned ErrRestart: at the same address, even if its port was any. Who connects
// between the two waits in the kernel's queue and is not refused.
func (s *Server) Again(cfg Config) Config {
	if _, port, err := net.SplitHostPort(cfg.Listen); err == nil && port == "0" {
		host, _, _ := net.SplitHostPort(cfg.Listen)
		cfg.Listen = net.JoinHostPort(host, s.place.Port)
	}
	cfg.port, s.kept = s.kept, nil
	return cfg
}

// keep returns the port that l listens on, to be used when l is closed; nil where the
// system has no such thing.
func keep(l net.Listener) net.Listener {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil
	}
	f, err := tcp.File()
	if err != nil {
		return nil
	}
	defer f.Close()
	kept, err := net.FileListener(f)
	if err != nil {
		return nil
	}
	return kept
}

// open takes over the port of the server before, or opens it.
func (cfg *Config) open() (net.Listener, error) {
	if cfg.port != nil {
		return cfg.port, nil
	}
	return cfg.listen()
}
