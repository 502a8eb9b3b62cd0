package files

import (
	"bytes"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"hubbub/internal/chat"
	"hubbub/internal/picture"
)

// headBytes are enough to tell what a file is.
const headBytes = 64 << 10

// Unknown is the type of what we do not know, and of what is not what it seems.
const Unknown = "application/octet-stream"

// shown are the types that a browser may show where it is, because they can do
// nothing there. Never on this list: SVG, HTML, XML, PDF.
var shown = []string{
	picture.JPEG, picture.PNG, picture.GIF, picture.WebP,
	"audio/mpeg", "audio/mp4", "audio/aac", "audio/ogg", "audio/wav", "audio/webm", "audio/flac",
	"video/mp4", "video/webm", "video/ogg", "video/quicktime",
}

// Shown says whether a browser may show a file of that type where it is.
func Shown(kind string) bool { return slices.Contains(shown, kind) }

func isPicture(kind string) bool { return slices.Contains(shown[:4], kind) }

// Sniff says what a file is by how it begins. What its sender calls it, and by which
// name, says nothing.
func Sniff(head []byte) string {
	switch {
	case len(head) > 12 && string(head[4:8]) == "ftyp":
		return sniffBoxes(head)
	case bytes.HasPrefix(head, []byte("\x1a\x45\xdf\xa3")):
		return sniffMatroska(head)
	case bytes.HasPrefix(head, []byte("OggS")):
		if bytes.Contains(head[:min(len(head), 512)], []byte("theora")) {
			return "video/ogg"
		}
		return "audio/ogg"
	case bytes.HasPrefix(head, []byte("fLaC")):
		return "audio/flac"
	case len(head) > 2 && head[0] == 0xff && head[1]&0xf6 == 0xf0:
		return "audio/aac"
	case len(head) > 2 && head[0] == 0xff && head[1]&0xe6 == 0xe2 && head[1]&0x18 != 0x08 && head[2]&0xf0 != 0xf0 && head[2]&0x0c != 0x0c:
		return "audio/mpeg"
	}
	kind, _, _ := mime.ParseMediaType(http.DetectContentType(head))
	if kind == "audio/wave" {
		return "audio/wav"
	}
	return kind
}

// sniffBoxes tells the files apart that are made of boxes: MP4 and its kin.
func sniffBoxes(head []byte) string {
	switch brand := string(head[8:12]); {
	case brand == "qt  ":
		return "video/quicktime"
	case brand == "avif" || brand == "avis":
		return "image/avif"
	case strings.HasPrefix(brand, "hei") || strings.HasPrefix(brand, "hev") || brand == "mif1" || brand == "msf1":
		return "image/heic"
	case brand == "M4A " || brand == "M4B ":
		return "audio/mp4"
	}
	if bytes.Contains(head, []byte("soun")) && !bytes.Contains(head, []byte("vide")) {
		return "audio/mp4"
	}
	return "video/mp4"
}

func sniffMatroska(head []byte) string {
	switch {
	case !bytes.Contains(head[:min(len(head), 64)], []byte("webm")):
		return "video/x-matroska"
	case bytes.Contains(head, []byte("A_OPUS")) || bytes.Contains(head, []byte("A_VORBIS")):
		if !bytes.Contains(head, []byte("V_VP")) && !bytes.Contains(head, []byte("V_AV1")) {
			return "audio/webm"
		}
	}
	return "video/webm"
}

// CleanName returns a name that is only a name: no folders, nothing that can not be
// seen, nothing that turns the direction of what is read. It is never empty.
func CleanName(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.Is(unicode.C, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return -1
		case unicode.IsSpace(r):
			return ' '
		case strings.ContainsRune(`<>:"|?*`, r): // not everywhere may a file be called that
			return '_'
		}
		return r
	}, name)
	name = strings.Trim(strings.Join(strings.Fields(name), " "), ". ")
	if len(name) > chat.MaxFileName {
		name = shorten(name)
	}
	if name == "" {
		return "file"
	}
	return name
}

// shorten keeps the end of a name, which says what it is.
func shorten(name string) string {
	end := ""
	if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i <= 16 {
		name, end = name[:i], name[i:]
	}
	for len(name) > chat.MaxFileName-len(end) {
		_, n := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-n]
	}
	return name + end
}

// Disposition is the header that says whether a file is shown, and what it is called
// when it is kept: RFC 6266, with a name as in RFC 5987.
func Disposition(f chat.File) string {
	how := "attachment"
	if Shown(f.Type) {
		how = "inline"
	}
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' || r == '%' {
			return '_'
		}
		return r
	}, f.Name)
	name := strings.NewReplacer("+", "%20", "*", "%2A", "'", "%27", "(", "%28", ")", "%29").Replace(strings.ReplaceAll(url.QueryEscape(f.Name), "%2B", "\x00"))
	return how + `; filename="` + plain + `"; filename*=UTF-8''` + strings.ReplaceAll(name, "\x00", "%2B")
}
