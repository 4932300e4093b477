// Package proc runs outside programs for tests: it keeps what they print, waits for a line of it, and ends
// them by their process id. A program never outlives the test binary, however that ends.
package proc
