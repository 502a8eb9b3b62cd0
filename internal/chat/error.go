package chat

import (
	"errors"
	"fmt"
	"time"
)

// Code tells a program what went wrong. Codes are part of the protocol: they
// never change their meaning.
type Code string

// The codes. What a client does about each stands beside it.
const (
	CodeBadFrame     Code = "bad_frame"     // fix the frame: not JSON, wrong type, missing field
	CodeUnknownFrame Code = "unknown_frame" // do not send this kind
	CodeHelloFirst   Code = "hello_first"   // say hello before anything else
	CodeBadID        Code = "bad_id"        // use a UUID
	CodeBadName      Code = "bad_name"      // choose another name
	CodeNameTaken    Code = "name_taken"    // choose another name
	CodeBadInvite    Code = "bad_invite"    // ask for another invitation
	CodeNeedInvite   Code = "need_invite"   // come with an invitation, or sign in
	CodeBadSignIn    Code = "bad_sign_in"   // the name or the password is wrong
	CodeWeakPassword Code = "weak_password" // choose a better password
	CodeBadPicture   Code = "bad_picture"   // choose another picture
	CodeBadRoomName  Code = "bad_room_name" // choose another room name
	CodeNotFound     Code = "not_found"     // there is no such room
	CodeNotOpen      Code = "not_open"      // open the room first
	CodeEmptyText    Code = "empty_text"    // write something
	CodeTooLong      Code = "too_long"      // shorten the text
	CodeConflict     Code = "conflict"      // the id was used for something else: choose a new one
	CodeBeyondHead   Code = "beyond_head"   // the position is not in the log: load the room anew
	CodeTooManyRooms Code = "too_many_rooms"
	CodeTooMany      Code = "too_many"     // fewer at a time
	CodeRoomExists   Code = "room_exists"  // choose another room name
	CodeBanned       Code = "banned"       // not here, or not now
	CodeRemoved      Code = "removed"      // join again
	CodeMuted        Code = "muted"        // wait for retry_after, or for a moderator
	CodeReadOnly     Code = "read_only"    // only moderators write there
	CodeArchived     Code = "archived"     // nobody writes there any more
	CodeSlowMode     Code = "slow_mode"    // wait for retry_after
	CodeTooLarge     Code = "too_large"    // a smaller file, or none until tomorrow
	CodeNoFiles      Code = "no_files"     // this server takes no files
	CodeNotFinished  Code = "not_finished" // finish the upload first
	CodeWaiting      Code = "waiting"      // until somebody lets you in
	CodeUnauthorized Code = "unauthorized" // sign in
	CodeForbidden    Code = "forbidden"    // not allowed from there
	CodeRateLimited  Code = "rate_limited" // wait for retry_after
	CodeUnavailable  Code = "unavailable"  // try again later
	CodeInternal     Code = "internal"     // a defect of the server; try again later
)

// Error has two faces: Code and Message are for the client, a wrapped cause is
// for the log.
type Error struct {
	Code       Code
	Message    string // one sentence for a person
	RetryAfter time.Duration
	Cause      error
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Cause)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

func (e *Error) Unwrap() error { return e.Cause }

// Errorf makes an Error whose message is for a person.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// AsError returns err as an Error: itself if it is one, else CodeInternal with
// err as the cause.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: CodeInternal, Message: "something went wrong here; please try again", Cause: err}
}
