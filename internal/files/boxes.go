package files

import (
	"encoding/binary"
	"io"
)

// Films say where they were taken in boxes of their own. These are made empty, where
// they are, so that nothing else moves.

// span is a part of a file that is to be blanked: a box, whose name becomes "free".
type span struct{ from, body, to int64 }

const maxBoxes = 10_000

// telling finds the boxes of a film that say something beside pictures and sound.
func telling(r io.ReaderAt, size int64) []span {
	b := boxes{r: r}
	b.walk(0, size, 0)
	return b.found
}

type boxes struct {
	r     io.ReaderAt
	found []span
	seen  int
}

// walk looks at the boxes between two places.
func (b *boxes) walk(at, end int64, depth int) {
	for at+8 <= end && b.seen < maxBoxes {
		b.seen++
		var head [16]byte
		n, _ := b.r.ReadAt(head[:], at)
		if n < 8 {
			return
		}
		size, body := int64(binary.BigEndian.Uint32(head[:])), at+8
		switch {
		case size == 1 && n == 16:
			size, body = int64(binary.BigEndian.Uint64(head[8:])), at+16
		case size == 0:
			size = end - at
		}
		if size < body-at || size > end-at {
			return
		}
		switch name := string(head[4:8]); name {
		case "udta", "uuid", "meta":
			b.found = append(b.found, span{at, body, at + size})
		case "moov", "trak", "moof", "traf":
			if depth < 3 {
				b.walk(body, at+size, depth+1)
			}
		}
		at += size
	}
}

// blanked reads a file with spans of it blanked.
type blanked struct {
	r     io.Reader
	at    int64
	spans []span // ascending
}

func (b *blanked) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	for _, s := range b.spans {
		for i := max(s.from+4, b.at); i < min(s.to, b.at+int64(n)); i++ {
			switch {
			case i < s.from+8:
				p[i-b.at] = "free"[i-s.from-4]
			case i >= s.body:
				p[i-b.at] = 0
			}
		}
	}
	b.at += int64(n)
	return n, err
}
