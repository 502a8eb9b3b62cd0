package chat

// StoredRow is an event as a store keeps it, to be shown to whoever wants to know how
// that is done. What it looks like is each store's own matter.
type StoredRow struct {
	Table string   `json:"table"`
	Row   []Column `json:"row"` // in the table's order
}

// Column is one value: nil, a bool, a number, a text, or bytes as a text in hex.
type Column struct {
	Name  string `json:"column"`
	Value any    `json:"value"`
}
