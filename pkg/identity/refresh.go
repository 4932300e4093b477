package identity

// The reasons for which a refresh token is refused, besides those of its account.
const (
	// ReasonRefreshOff: the service takes no refresh tokens.
	ReasonRefreshOff Reason = "refresh_off"
	// ReasonRefreshMalformed: the text is none of our tokens.
	ReasonRefreshMalformed Reason = "refresh_malformed"
	// ReasonRefreshTruncated: the token is not whole.
	ReasonRefreshTruncated Reason = "refresh_truncated"
	// ReasonRefreshUnknownKey: no key that is kept has sealed it.
	ReasonRefreshUnknownKey Reason = "refresh_unknown_key"
	// ReasonRefreshForged: the token is not what the key has sealed.
	ReasonRefreshForged Reason = "refresh_forged"
	// ReasonRefreshOtherService: the token is for another service.
	ReasonRefreshOtherService Reason = "refresh_other_service"
	// ReasonRefreshFuture: the token was made at a time that is still to come.
	ReasonRefreshFuture Reason = "refresh_future"
	// ReasonRefreshExpired: its lifetime has ended.
	ReasonRefreshExpired Reason = "refresh_expired"
	// ReasonRefreshIdle: it was not used for too long.
	ReasonRefreshIdle Reason = "refresh_idle"
	// ReasonRefreshRevoked: it was revoked, by an operator or because its account was gone, disabled or expired.
	ReasonRefreshRevoked Reason = "refresh_revoked"
	// ReasonRefreshPasswordChanged: the password of the account has changed since, or it cannot be told any more
	// whether it has.
	ReasonRefreshPasswordChanged Reason = "refresh_password_changed"
)

// RefreshReasons lists every reason for which a refresh token itself is refused.
func RefreshReasons() []Reason {
	return []Reason{
		ReasonRefreshOff, ReasonRefreshMalformed, ReasonRefreshTruncated, ReasonRefreshUnknownKey, ReasonRefreshForged,
		ReasonRefreshOtherService, ReasonRefreshFuture, ReasonRefreshExpired, ReasonRefreshIdle, ReasonRefreshRevoked,
		ReasonRefreshPasswordChanged,
	}
}
