// Package alert decides whom a message alerts, and tells their browsers through the
// push services of those (Web Push, RFC 8030, 8291 and 8292).
package alert
