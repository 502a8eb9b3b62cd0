package bustest

import (
	"testing"

	"hubbub/internal/chat"
)

func TestMemory(t *testing.T) {
	Run(t, func(t *testing.T) Bed {
		n := NewNetwork(Faults{})
		var nodes []*Node
		cut := func(off bool) {
			for _, b := range nodes {
				b.Cut(off)
			}
		}
		t.Cleanup(func() {
			for _, b := range nodes {
				b.Close()
			}
			n.Wait()
		})
		return Bed{
			Join: func() chat.Bus {
				nodes = append(nodes, n.Join())
				return nodes[len(nodes)-1]
			},
			Break: func() { cut(true) }, Mend: func() { cut(false) },
		}
	})
}
