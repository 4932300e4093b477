package policyfile

// Observer is told what happens, in the manner of net/http/httptrace. Every func may be nil, is called from
// one goroutine at a time, and must not block.
type Observer struct {
	// Loaded is called after a policy was put in force: from the file, or because a group's id became known.
	Loaded func(Loaded)
	// Failed is called when the file was looked at and not taken, and the policy before it stays in force. The
	// error is [Faults]. Where none is in force yet, nobody is told: [Watcher.Reload] gives the error.
	Failed func(err error)
	// Unresolved is called when a directory could not be asked for a group of a cannot, or one that a can
	// excepts. Every person of that directory then counts as a member.
	Unresolved func(directory, group string, err error)
	// Vanished is called once when a group that is held by its id is gone from the directory. The rule keeps
	// the id.
	Vanished func(directory, group string)
	// Blind is called when changes of the file cannot be watched; it is then looked at once a poll.
	Blind func(err error)
}

// Loaded is what was put in force.
type Loaded struct {
	// Revision names the version of the document.
	Revision string
	// Rules is the number of rules, Unresolved the number of groups in cannots whose id is not known yet.
	Rules, Unresolved int
	// Refused is true where this is not what the file says: the file as it is now was refused, and only the id
	// of a group became known to the policy before it.
	Refused bool
}

func (o *Observer) loaded(l Loaded) {
	if o.Loaded != nil {
		o.Loaded(l)
	}
}

func (o *Observer) failed(err error) {
	if o.Failed != nil {
		o.Failed(err)
	}
}

func (o *Observer) unresolved(ref groupRef, err error) {
	if o.Unresolved != nil {
		o.Unresolved(ref.directory, ref.name, err)
	}
}

func (o *Observer) vanished(ref groupRef) {
	if o.Vanished != nil {
		o.Vanished(ref.directory, ref.name)
	}
}

func (o *Observer) blind(err error) {
	if o.Blind != nil {
		o.Blind(err)
	}
}
