package company

// Suffix is the base of the company's directory; people, groups and services have each a branch below it.
const (
	Suffix     = "dc=corp,dc=example"
	PeopleBase = "ou=people," + Suffix
	GroupsBase = "ou=groups," + Suffix
	ServiceDN  = "cn=wharfgate,ou=services," + Suffix
)

// ServicePassword is what the gate's own account binds with.
const ServicePassword = "the-gate-reads-the-directory" //nolint:gosec // a made-up company

// Person is an account of the company.
type Person struct {
	// Login is the uid, Name the full name, Password the password, which is no secret here.
	Login, Name, Password string
	// Groups are the short names of the groups.
	Groups []string
	// May says in a few words what the policy gives.
	May string
}

// People are the company's accounts.
func People() []Person {
	return []Person{
		{"alice", "Alice Archer", "wonderland", []string{"payments"}, "push to payments/**"},
		{"bob", "Bob Baker", "builder", []string{"team-search"}, "push to search/** and delete there"},
		{"carol", "Carol Cole", "christmas", []string{"platform"}, "everything, but change releases/**"},
		{"dave", "Dave Dunn", "tape-recorder", []string{"auditors"}, "pull everything, push nothing but their own"},
		{"erin", "Erin Eliot", "first-day", nil, "what everyone may: base/**, public/**, users/erin/**"},
	}
}

// Policy is the company's access policy, as its administrators would write it.
const Policy = `version: 1

rules:
  # Anyone can pull public images, even without logging in.
  - who: anyone
    can: pull
    repos: public/**

  # Everyone signed in can pull base images, and has a folder of their own.
  - who: signed-in
    can: pull
    repos: base/**
  - who: signed-in
    can: [push, delete]
    repos: users/<user>/**

  # Group payments can push to payments/**.
  - who: group:payments
    can: push
    repos: payments/**

  # Every group team-<team> can push and delete in the folder of the same name.
  - who: group:team-<team>
    can: [push, delete]
    repos: <team>/**

  # Auditors can pull everything and list the catalog.
  - who: group:auditors
    can: [pull, catalog]
    repos: "**"

  # Platform can do everything everywhere ...
  - who: group:platform
    can: everything
    repos: "**"

  # ... but what was released stays as it is.
  - who: anyone
    cannot: [push, delete]
    repos: releases/**
    note: a release is never changed
`
