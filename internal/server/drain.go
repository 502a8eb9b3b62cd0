package server

import (
	"context"
	"net/http"
	"time"
)

// How a node leaves that has others beside it. A balancer has half of Config.Drain to
// notice that it takes nobody any more; a quarter is for those who are here, who are told
// one after the other to go elsewhere; what is left is for requests under way.

// DefaultDrain is enough for balancers that look every other second and want to see a
// failure three times.
const DefaultDrain = 15 * time.Second

func (s *Server) lead() time.Duration   { return s.drain / 2 }
func (s *Server) spread() time.Duration { return s.drain / 4 }

// depart has everybody leave. It ends early if nothing can be stored any more.
func (s *Server) depart() {
	if s.drain <= 0 {
		return
	}
	s.log.Info("stopping: nobody new is sent here, and who is here is told to go to another node", "within", s.drain)
	close(s.leaving)
	noticed := s.noticed
	if noticed == nil {
		noticed = time.After(s.lead())
	}
	select {
	case <-noticed:
	case <-s.store.Failed():
		return
	}
	s.listener.Close()
	ctx, cancel := context.WithTimeout(context.Background(), s.spread())
	defer cancel()
	s.sockets.Move(ctx, s.spread())
}

// isLeaving says whether the server takes nobody any more.
func (s *Server) isLeaving() bool {
	select {
	case <-s.leaving:
		return true
	default:
		return false
	}
}

// parting has a balancer's connections end with the answer that they carry while the
// server leaves: one that ended between two requests could take the second along.
func (s *Server) parting(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.isLeaving() && r.Header.Get("Upgrade") == "" {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}

// keepTime is how long it may take to keep what has come of uploads.
const keepTime = time.Second

// stop ends what serves, in good order. Requests under way have what is left of the time
// to leave.
func (s *Server) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	requests, end := context.WithTimeout(context.Background(), stopTime+s.drain-s.lead()-s.spread())
	defer end()
	s.listener.Close()
	s.sockets.Close(ctx)
	s.private.close()
	s.admin.close()
	if err := s.http.Shutdown(requests); err != nil {
		keeping, kept := context.WithTimeout(context.Background(), keepTime)
		s.keeper.Close(keeping)
		kept()
		s.http.Close()
	}
	s.previews.Close()
	s.gate.Close()
	s.outward.close()
	s.leave()
	return s.close()
}
