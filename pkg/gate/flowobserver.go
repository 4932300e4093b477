package gate

import "github.com/wharfgate/wharfgate/pkg/directory"

// flowObserver counts what login flows tell, and logs what somebody must look at.
func (i *instruments) flowObserver() directory.Observer {
	o := i.metrics.DirectoryObserver()
	o.KeepsSending = func(r directory.Repeat) {
		client := ""
		if r.Client.IsValid() {
			client = r.Client.String()
		}
		i.log.Warn("client keeps sending a wrong password", "account", r.Name+"@"+r.Source, "client", client,
			"user_agent", r.UserAgent, "times", r.Times)
	}
	o.Watching = i.watching()
	return o
}
