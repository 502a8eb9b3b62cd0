package api

// Routes lists what can be asked for.
func Routes() (patterns []string) {
	for _, r := range new(handler).routes() {
		patterns = append(patterns, r.pattern)
	}
	return patterns
}
