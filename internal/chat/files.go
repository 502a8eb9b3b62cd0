package chat

import (
	"context"
	"encoding/json"
	"time"
)

// FileID names a file for ever: 24 random characters. It tells nothing, and knowing
// it is no right to read the file.
type FileID string

// File is a file as a message shows it. Its type is what its bytes are, not what
// somebody says of them; its name is only a name.
type File struct {
	ID       FileID `json:"id"`
	Name     string `json:"name"`
	Type     string `json:"type"`
	Size     int64  `json:"size"`
	Width    int    `json:"width,omitempty"` // of a picture or a video, as it is shown
	Height   int    `json:"height,omitempty"`
	Thumb    bool   `json:"thumb,omitempty"`    // there is a small picture of it
	Duration int64  `json:"duration,omitempty"` // milliseconds, as its sender says
}

// FileIDs returns the ids of files.
func FileIDs(files []File) []FileID {
	ids := make([]FileID, 0, len(files))
	for _, f := range files {
		ids = append(ids, f.ID)
	}
	return ids
}

// Preview is what a page says of itself to which a message links.
type Preview struct {
	URL         string `json:"url"` // as the message has it
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Site        string `json:"site,omitempty"`
	Picture     *File  `json:"picture,omitempty"`
}

// ParsePreviews reads the body of an event of KindPreview.
func ParsePreviews(body string) (all []Preview) {
	if body != "" {
		json.Unmarshal([]byte(body), &all)
	}
	return all
}

// Upload is a file that no message holds yet. It belongs to a person and to the
// session in which it was begun.
type Upload struct {
	File
	Owner   UserID
	Session SessionID
	Length  int64 // bytes that are to come; Size is what became of them
	Done    bool
	Expires time.Time
}

// Piece is a part of an upload that is kept already, by a name in the store of files.
type Piece struct {
	Name string
	Size int64
}

// CachedPreview is what was found at an address lately.
type CachedPreview struct {
	Preview        // without a URL; the zero value: nothing worth showing
	Image   []byte // JPEG or PNG; nil: none
	Expires time.Time
}

// PiecesOf stands behind an upload's id in the names of its pieces.
const PiecesOf = "-part-"

// Limits of files.
const (
	MaxFiles     = 10  // in a message
	MaxFileName  = 200 // bytes of a name
	MaxPreviews  = 3   // links of a message that are looked at
	UploadAge    = 24 * time.Hour
	UploadMemory = 24 * time.Hour // over which a person's uploads are added up
)

// Files stores what there is to know of files; their bytes lie elsewhere. What a
// message holds is the log's to change: Append attaches what Draft.Files names. All
// methods may be called from any goroutine; each change is durable when the method
// returns.
type Files interface {
	// AddUpload begins an upload, unless its owner's uploads of the last day would
	// come to more than most bytes (CodeTooLarge); 0 is no limit.
	AddUpload(ctx context.Context, u Upload, most int64) error
	// Upload finds one that no message holds (CodeNotFound).
	Upload(ctx context.Context, id FileID) (Upload, error)
	// AddPiece says that a piece of an upload is kept that begins at a byte. It must be where
	// the one before it ends (CodeConflict, also of an upload that is whole), and end where the upload does at most
	// (CodeTooLarge). Of two that begin at one place, one is taken. An upload has so many
	// pieces at most (CodeTooMany); 0 is no limit.
	AddPiece(ctx context.Context, id FileID, from int64, p Piece, most int) error
	// Pieces returns the pieces of an upload in order: none of one that is not there.
	Pieces(ctx context.Context, id FileID) ([]Piece, error)
	// FinishUpload says what became of it. Again is fine. Its pieces are to be removed.
	FinishUpload(ctx context.Context, f File) error
	// DropUpload gives one up that no message holds (CodeNotFound): its bytes are to be removed.
	DropUpload(ctx context.Context, id FileID) error
	// ExpireUploads gives those up whose time is over.
	ExpireUploads(ctx context.Context, at time.Time) error

	// File finds a file, and the rooms in which a message holds it; none is CodeNotFound.
	File(ctx context.Context, id FileID) (File, []RoomID, error)

	// Gone lists files whose bytes are to be removed, and uploads whose pieces are: their id
	// with PiecesOf behind it. Removed says that they were.
	Gone(ctx context.Context, limit int) ([]FileID, error)
	Removed(ctx context.Context, ids []FileID) error

	// ShowPreviews puts what links of a message lead to into its room's log, by the
	// operator's hand, unless the message reads differently by now (revised), is gone,
	// or its author wants none. Their pictures are finished uploads of the operator.
	ShowPreviews(ctx context.Context, room RoomID, seq, revised Seq, all []Preview) error
	// CachedPreview returns what was found at an address; false: not lately.
	CachedPreview(ctx context.Context, url string) (CachedPreview, bool, error)
	// CachePreview keeps it.
	CachePreview(ctx context.Context, url string, p CachedPreview) error
}

// NoFile is the answer about a file that is not there, and about one that somebody
// may not read.
func NoFile() *Error { return Errorf(CodeNotFound, "there is no such file") }

// AuthorizeFile returns a file if there is a room that holds it and that somebody may
// read. Every refusal is the same.
func AuthorizeFile(ctx context.Context, d Directory, files Files, who Actor, id FileID) (File, error) {
	f, rooms, err := files.File(ctx, id)
	if err != nil {
		return f, err
	}
	for _, room := range rooms {
		_, err := Authorize(ctx, d, who, room, ActRead)
		if err == nil {
			return f, nil
		}
		if AsError(err).Code == CodeInternal || AsError(err).Code == CodeUnavailable {
			return File{}, err
		}
	}
	return File{}, NoFile()
}
