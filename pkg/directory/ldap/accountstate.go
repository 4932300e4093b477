package ldap

// A State is a way in which the entries of a directory say that an account may not log in.
type State string

// NoState looks at no attributes: the answer to a bind decides.
const NoState State = "none"

// ActiveDirectoryState is that of Active Directory and Samba: userAccountControl and its computed part, accountExpires and
// pwdLastSet.
const ActiveDirectoryState State = "active_directory"
