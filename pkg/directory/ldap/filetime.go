package ldap

import (
	"strconv"
	"time"
)

// filetime is a time of Windows: ticks of 100 ns since 1601-01-01 UTC.
type filetime int64

const (
	neverTime   filetime = 1<<63 - 1
	epochTicks           = 116_444_736_000_000_000 // 1970-01-01
	ticksSecond          = 10_000_000
	tick                 = 100 * time.Nanosecond
)

// parseFiletime reads the decimal text of an attribute; false for what is no number or negative.
func parseFiletime(text string) (filetime, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return filetime(n), err == nil && n >= 0
}

// time gives the time; zero for the two values that stand for never.
func (t filetime) time() time.Time {
	if t == 0 || t == neverTime {
		return time.Time{}
	}
	since := int64(t) - epochTicks
	return time.Unix(since/ticksSecond, since%ticksSecond*int64(tick)).UTC()
}
