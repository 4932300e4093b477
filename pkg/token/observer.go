package token

import "time"

// Observer is told what happens to the keys, in the manner of net/http/httptrace. Every func may be nil, is
// called from any goroutine, and must not block.
type Observer struct {
	// Rotated is called for each new signing certificate, the first ones included, with the end of its life.
	Rotated func(algorithm string, notAfter time.Time)
	// Failed is called when a signing certificate could not be renewed. It is tried again within a minute.
	Failed func(algorithm string, err error)
}

func (o Observer) rotated(algorithm string, notAfter time.Time) {
	if o.Rotated != nil {
		o.Rotated(algorithm, notAfter)
	}
}

func (o Observer) failed(algorithm string, err error) {
	if o.Failed != nil {
		o.Failed(algorithm, err)
	}
}
