// Package gopay is not gopay, but a stand-in with its interface, as far as the documents call it: the Go module proxy
// cannot be reached from the gate.
package gopay

// BodyMap holds the fields of a request.
type BodyMap map[string]any
