package token

import "time"

// Observer is told what happens to the keys, in the manner of net/http/httptrace. Every func may be nil, is
// called from any goroutine, and must not block.
type Observer struct {
	// Rotated is called for each new signing certificate, the first ones included, with the end of its life.
	Rotated func(algorithm string, notAfter time.Time)
	// Failed is called when a signing certificate could not be renewed. It is tried again within a minute.
	Failed func(algorithm string, err error)
	// Ring is called with the keys of a ring that were read anew, the first ones included.
	Ring func(name string, keys []RingKey)
	// RingFailed is called when files of a ring changed and are not fit. The keys stay as they were.
	RingFailed func(name string, err error)
	// CA is called with the end of the CA that signs certificates, when its files were read anew.
	CA func(notAfter time.Time)
	// CAFailed is called when the files of the CA changed and are not fit. The CA stays as it was.
	CAFailed func(err error)
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

func (o Observer) ring(name string, keys []RingKey) {
	if o.Ring != nil {
		o.Ring(name, keys)
	}
}

func (o Observer) ringFailed(name string, err error) {
	if o.RingFailed != nil {
		o.RingFailed(name, err)
	}
}

func (o Observer) ca(notAfter time.Time) {
	if o.CA != nil {
		o.CA(notAfter)
	}
}

func (o Observer) caFailed(err error) {
	if o.CAFailed != nil {
		o.CAFailed(err)
	}
}
