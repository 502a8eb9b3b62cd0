package files

import (
	"encoding/binary"
	"io"
	"math"
	"slices"
)

// Films, and photos as HEIC and AVIF, are made of boxes. What they say of themselves
// has boxes or items of its own, which are made empty where they are, so that nothing
// else moves.

// span is a part of a file that is overwritten: with what, and then zeros.
type span struct {
	from, to int64
	with     string
}

const maxBoxes = 10_000

// telling finds what a file of that type says of itself.
func telling(kind string, r io.ReaderAt, size int64) []span {
	b := boxes{r: r}
	switch kind {
	case "video/mp4", "video/quicktime", "audio/mp4":
		b.film(0, size, 0)
	case "image/heic", "image/avif":
		b.photo(size)
	}
	return b.found
}

type boxes struct {
	r     io.ReaderAt
	found []span
	seen  int
}

// each calls f for each box between two places.
func (b *boxes) each(at, end int64, f func(name string, at, body, end int64)) {
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
		f(string(head[4:8]), at, body, at+size)
		at += size
	}
}

// film finds the boxes of a film that hold neither pictures nor sound.
func (b *boxes) film(at, end int64, depth int) {
	b.each(at, end, func(name string, at, body, end int64) {
		switch name {
		case "udta", "uuid", "meta":
			b.found = append(b.found, span{at + 4, at + 8, "free"}, span{from: body, to: end})
		case "moov", "trak", "moof", "traf":
			if depth < 3 {
				b.film(body, end, depth+1)
			}
		}
	})
}

// maxList is the longest list of items that is read.
const maxList = 1 << 20

// photo finds the items of a photo that are EXIF or XMP.
func (b *boxes) photo(size int64) {
	var items, places []byte
	var idat int64
	read := func(body, end int64) []byte {
		data := make([]byte, min(end-body, maxList))
		n, _ := b.r.ReadAt(data, body)
		return data[:n]
	}
	b.each(0, size, func(name string, _, body, end int64) {
		if name != "meta" {
			return
		}
		b.each(body+4, end, func(name string, _, body, end int64) {
			switch name {
			case "iinf":
				items = read(body, end)
			case "iloc":
				places = read(body, end)
			case "idat":
				idat = body
			}
		})
	})
	for _, s := range itemPlaces(places, tellingItems(items), idat) {
		if s.from >= 0 && s.to > s.from && s.from < size {
			b.found = append(b.found, span{from: s.from, to: min(s.to, size)})
		}
	}
}

// numbers reads whole numbers one after the other; past the end they are 0.
type numbers struct {
	b     []byte
	short bool // the end was passed
}

func (n *numbers) next(size int) (v uint64) {
	if size > len(n.b) {
		n.short, n.b = true, nil
		return 0
	}
	for _, c := range n.b[:size] {
		v = v<<8 | uint64(c)
	}
	n.b = n.b[size:]
	return v
}

// tellingItems returns the ids of the items that say something of the photo.
func tellingItems(iinf []byte) (ids []uint64) {
	n := numbers{b: iinf}
	if n.next(1); len(iinf) > 0 && iinf[0] == 0 {
		n.next(3 + 2)
	} else {
		n.next(3 + 4)
	}
	for len(n.b) >= 8 {
		size := int(binary.BigEndian.Uint32(n.b))
		if size < 8 || size > len(n.b) {
			break
		}
		one := numbers{b: n.b[8:size]} // an infe
		n.b = n.b[size:]
		version := one.next(1)
		one.next(3)
		id := one.next(2)
		if version == 3 {
			id = id<<16 | one.next(2)
		}
		one.next(2)
		if kind := one.next(4); !one.short && (kind == 0x45786966 || kind == 0x6d696d65) { // Exif, mime
			ids = append(ids, id)
		}
	}
	return ids
}

// itemPlaces returns where items lie.
func itemPlaces(iloc []byte, ids []uint64, idat int64) (all []span) {
	n := numbers{b: iloc}
	version := n.next(1)
	n.next(3)
	sizes := n.next(2)
	offset, length, base, index := int(sizes>>12&15), int(sizes>>8&15), int(sizes>>4&15), int(sizes&15)
	wide := 2
	if version >= 2 {
		wide = 4
	}
	for count := n.next(wide); count > 0 && !n.short; count-- {
		id, method := n.next(wide), uint64(0)
		if version > 0 {
			method = n.next(2) & 15
		}
		n.next(2)
		start := n.next(base)
		for extents := n.next(2); extents > 0 && !n.short; extents-- {
			if version > 0 {
				n.next(index)
			}
			at, long := start+n.next(offset), n.next(length)
			if n.short || !slices.Contains(ids, id) || method > 1 || at > math.MaxInt32<<16 || long > math.MaxInt32<<16 {
				continue
			}
			from := int64(at)
			if method == 1 {
				from += idat
			}
			all = append(all, span{from: from, to: from + int64(long)})
		}
	}
	return all
}

// blanked reads a file with spans of it overwritten.
type blanked struct {
	r     io.Reader
	at    int64
	spans []span
}

func (b *blanked) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	for _, s := range b.spans {
		for i := max(s.from, b.at); i < min(s.to, b.at+int64(n)); i++ {
			p[i-b.at] = 0
			if k := i - s.from; k < int64(len(s.with)) {
				p[i-b.at] = s.with[k]
			}
		}
	}
	b.at += int64(n)
	return n, err
}
