package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"time"
)

// contract describes every route to programs, and their authors. The tests hold each
// answer against it.
//
//go:embed openapi.yaml
var contract []byte

var contractTag = func() string {
	sum := sha256.Sum256(contract)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}()

// openapi answers with the contract. It changes with the server alone, so clients
// may keep it for a while.
func (h *handler) openapi(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("ETag", contractTag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(contract))
}
