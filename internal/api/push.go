package api

import (
	"net/http"

	"hubbub/internal/alert"
	"hubbub/internal/chat"
)

// pushKey answers with the key that a browser's subscription is made for.
func (h *handler) pushKey(*http.Request, chat.Login) (int, any, error) {
	return http.StatusOK, map[string]any{"key": h.Alerts.Keys.Public}, nil
}

// deviceAsk is a subscription as browsers write it.
type deviceAsk struct {
	Endpoint string `json:"endpoint"`
	Keys     struct {
		P256DH string `json:"p256dh"`
		Auth   string `json:"auth"`
	} `json:"keys"`
}

func (h *handler) addDevice(r *http.Request, l chat.Login) (int, any, error) {
	var ask deviceAsk
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	d := chat.Device{Endpoint: ask.Endpoint, Key: ask.Keys.P256DH, Auth: ask.Keys.Auth}
	if err := alert.CheckDevice(d); err != nil {
		return 0, nil, err
	}
	if err := h.Gate.Write(l.ID); err != nil {
		return 0, nil, err
	}
	if err := h.Attention.AddDevice(r.Context(), l.ID, l.Session, d); err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, none{}, h.Alerts.Count(r.Context())
}

func (h *handler) removeDevice(r *http.Request, l chat.Login) (int, any, error) {
	var ask deviceAsk
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, none{}, h.Attention.RemoveDevice(r.Context(), l.ID, ask.Endpoint)
}
