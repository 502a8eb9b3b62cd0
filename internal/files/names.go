package files

import "hubbub/internal/chat"

// Names returns by which names a Store has the bytes of a file and of its small picture.
func Names(id chat.FileID) (whole, small string) { return string(id), string(thumbOf(id)) }
