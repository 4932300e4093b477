package policyfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/wharfgate/wharfgate/pkg/policy"
)

// Load reads a file and parses it, like [ParseContext]. A file that cannot be read is a fault, too.
func Load(ctx context.Context, path string, o Options) (*policy.Policy, error) {
	data, _, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return ParseContext(ctx, path, data, o)
}

// errChanging means that a file changed while it was read.
var errChanging = errors.New("the file is being written")

// readFile reads a file that nobody writes at the same time. Errors are [Faults].
func readFile(path string) ([]byte, fs.FileInfo, error) {
	data, info, err := readStable(path)
	if err == nil {
		return data, info, nil
	}
	f := Fault{File: path, Code: CodeUnreadable, Message: "cannot be read: " + reason(err)}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.Remedy = "put the file there, or correct policy.file in the configuration"
	case errors.Is(err, fs.ErrPermission):
		f.Remedy = "let the user that Wharfgate runs as read it"
	case errors.Is(err, errChanging):
		f.Remedy = "write it to another name and rename it"
	case errors.Is(err, errTooLarge):
		f.Code, f.Remedy = CodeTooLarge, "write fewer rules: one with a hole stands for one a group"
	default:
		f.Remedy = "it must be a file with text"
	}
	return nil, nil, Faults{f}
}

// reason gives an error without the path, which the fault names already.
func reason(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

// errTooLarge means that a file is larger than any policy.
var errTooLarge = fmt.Errorf("more than %d MiB", MaxBytes>>20)

// readStable reads a regular file and looks whether it stayed the same meanwhile.
func readStable(path string) ([]byte, fs.FileInfo, error) {
	before, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, nil, errors.New("not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	var data bytes.Buffer
	data.Grow(int(min(before.Size(), MaxBytes)) + bytes.MinRead)
	if _, err := data.ReadFrom(io.LimitReader(file, MaxBytes+1)); err != nil {
		return nil, nil, err
	}
	if data.Len() > MaxBytes {
		return nil, nil, errTooLarge
	}
	after, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !sameFile(before, after) || after.Size() != int64(data.Len()) {
		return nil, nil, errChanging
	}
	return data.Bytes(), after, nil
}

// sameFile reports whether two looks at a file saw the same content, as far as its attributes tell.
func sameFile(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
