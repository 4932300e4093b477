package token

// CAFollower keeps a [KeySet] under the CA that two files hold, whatever becomes of them. It is for one goroutine.
type CAFollower struct {
	keys      *KeySet
	cert, key string
	stamp     stamp
}

// Follow makes a follower of the files that the CA of the keys was read from.
func (s *KeySet) Follow(cert, key string) *CAFollower {
	f := &CAFollower{keys: s, cert: cert, key: key}
	f.stamp, _ = stampOf("", key, cert) // what cannot be looked at is a change later
	return f
}

// Reload reads the files again if they changed, and reports whether they did. Files that are not fit leave the keys under
// the CA that they have, and are read again with the next change.
func (f *CAFollower) Reload() (changed bool, err error) {
	now, err := stampOf("", f.key, f.cert)
	if err == nil && now == f.stamp {
		return false, nil
	}
	before := f.stamp
	f.stamp = now
	var ca *CA
	if err == nil {
		ca, err = LoadCA(f.cert, f.key)
	}
	if err == nil {
		err = f.keys.UseCA(ca)
	}
	if err != nil {
		if now != before { // once a change
			f.keys.observer.caFailed(err)
		}
		return false, err
	}
	return true, nil
}
