package policyfile

import (
	"context"
	"errors"
)

// CheckFile is [Check] of a file. A file that cannot be read is a fault, too.
func CheckFile(ctx context.Context, path string, o Options) Report {
	data, _, err := readFile(path)
	if err == nil {
		return Check(ctx, path, data, o)
	}
	if faults, ok := errors.AsType[Faults](err); ok {
		return Report{Faults: faults}
	}
	return Report{Faults: Faults{{File: path, Code: CodeUnreadable, Message: err.Error()}}}
}
