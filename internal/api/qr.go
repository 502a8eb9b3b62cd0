package api

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quiet is the margin that readers of QR codes need, in modules.
const quiet = 4

// qrPicture draws a QR code as an SVG picture: dark on white in every theme, since
// many readers want that.
func qrPicture(text string) string {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "" // far too long; there is the link
	}
	var path strings.Builder
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	side := code.Size + 2*quiet
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="%s"/></svg>`,
		side, side, side, side, path.String())
}

// QRText draws a QR code for a terminal: two rows of modules in one of text. The
// light ones are drawn, so that it reads on a dark ground; most readers take it
// either way.
func QRText(text string) string {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return ""
	}
	var b strings.Builder
	light := func(x, y int) bool { return !code.Black(x, y) }
	for y := -quiet / 2; y < code.Size+quiet/2; y += 2 {
		for x := -quiet / 2; x < code.Size+quiet/2; x++ {
			switch up, down := light(x, y), light(x, y+1); {
			case up && down:
				b.WriteRune('█')
			case up:
				b.WriteRune('▀')
			case down:
				b.WriteRune('▄')
			default:
				b.WriteRune(' ')
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
