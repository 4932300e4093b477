// Package refresh makes and redeems refresh tokens, which docker login stores instead of the password.
//
// A token is opaque to clients: AES-256-GCM under a key that never leaves the [Store], which is one file in the state
// folder of the gate. It holds the service, the account by directory and id, when it was made, when it ends, and when
// the password of the account last changed. Nothing is kept of a single token, but for the hour of its last use where
// a service has an idle limit.
//
//   - [Tokens.Redeem] proves nothing by itself: it looks the account up again each time, and never binds.
//   - A token whose account is gone, disabled or expired, or whose password has changed, has ended for good; an
//     account that is locked, or may not log in at this hour, is refused and its tokens live on.
//   - A directory that cannot be asked is [identity.ErrUnavailable], never a no.
//   - A revocation is on the disk before [Store.Revoke] returns, and every process that shares the folder follows
//     within seconds.
//   - A file of the store that is damaged is an error, never an empty one.
//
// Keys rotate by themselves and overlap: the one before opens what it has sealed until that has ended.
package refresh
