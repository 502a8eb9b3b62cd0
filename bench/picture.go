package main

import (
	"fmt"
	"html"
	"strings"
)

// bar is one line of the picture.
type bar struct {
	name  string
	value float64
}

// drawing returns an SVG of horizontal bars: the README's picture. Its colours
// follow the reader's theme.
func drawing(bars []bar) string {
	const row, left, width = 34, 370, 420
	most := 0.0
	for _, b := range bars {
		most = max(most, b.value)
	}
	var s strings.Builder
	height := row*len(bars) + 44
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="Deliveries per second on one core">`+"\n",
		left+width+110, height, left+width+110, height)
	s.WriteString(`<style>text{font:14px system-ui,sans-serif;fill:#333}rect{fill:#9aa4b2}.own{fill:#e0662f}.t{font-weight:600}` +
		`@media(prefers-color-scheme:dark){text{fill:#ddd}rect{fill:#6b7480}}</style>` + "\n")
	s.WriteString(`<text class="t" x="10" y="22">Deliveries per second, 1,000 members in a room, one core</text>` + "\n")
	for i, b := range bars {
		y, class := 38+i*row, ""
		if strings.HasPrefix(b.name, "hubbub") {
			class = ` class="own"`
		}
		w := max(b.value/most*width, 1)
		fmt.Fprintf(&s, `<text x="%d" y="%d" text-anchor="end">%s</text><rect%s x="%d" y="%d" width="%.1f" height="20" rx="3"/><text x="%.1f" y="%d">%s</text>`+"\n",
			left-10, y+15, html.EscapeString(b.name), class, left, y, w, left+w+8, y+15, short(b.value))
	}
	s.WriteString("</svg>\n")
	return s.String()
}

func short(v float64) string {
	if v >= 1e6 {
		return fmt.Sprintf("%.1f million", v/1e6)
	}
	return fmt.Sprintf("%.0f thousand", v/1e3)
}
