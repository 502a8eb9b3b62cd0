// Package hooks connects rooms with programs elsewhere: it reads what they send in
// Slack's format, and delivers to them what is said in a room. docs/hooks.md is about
// both.
package hooks
