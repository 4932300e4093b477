package token

// CAFollower keeps a [KeySet] under the CA that files hold, whatever becomes of them. It is for one goroutine.
type CAFollower struct {
	keys  *KeySet
	paths CAPaths
	stamp stamp
}

// Follow makes a follower of the files that the CA of the keys was read from.
func (s *KeySet) Follow(p CAPaths) *CAFollower {
	f := &CAFollower{keys: s, paths: p}
	f.stamp, _ = f.look() // what cannot be looked at is a change later
	return f
}

// Reload reads the files again if they changed, and reports whether they did. Files that are not fit leave the keys under
// the CA that they have, and are read again with the next change.
func (f *CAFollower) Reload() (changed bool, err error) {
	now, err := f.look()
	if err == nil && now == f.stamp {
		return false, nil
	}
	before := f.stamp
	f.stamp = now
	var ca *CA
	if err == nil {
		ca, err = LoadCA(f.paths)
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

// look tells what the file system says of the files.
func (f *CAFollower) look() (stamp, error) {
	return stampOf("", f.paths.Key, f.paths.Cert, f.paths.KeyPassword)
}
