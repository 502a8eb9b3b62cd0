package api

import "hubbub/internal/chat"

// Contract is the OpenAPI document.
var Contract = contract

// StatusOf returns the status that goes with a code.
func StatusOf(code chat.Code) int {
	if status, ok := statuses[code]; ok {
		return status
	}
	return 400
}
