package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/wharfgate/wharfgate/integration/internal/company"
)

// seed pushes the first images as an administrator, through the gate like everything else.
func (d *demo) seed(ctx context.Context) error {
	for _, repository := range []string{"public/hello:1", "base/tiny:1"} {
		if err := d.push(ctx, "carol", repository); err != nil {
			return fmt.Errorf("put %s into the registry: %w", repository, err)
		}
	}
	return nil
}

// push sends a small image to a repository as an account of the company.
func (d *demo) push(ctx context.Context, login, repository string) error {
	image, err := hello("hello from " + login + " in " + repository + "\n") // nobody pushes what is there already
	if err != nil {
		return err
	}
	ref, err := d.reference(repository)
	if err != nil {
		return err
	}
	return remote.Write(ref, image, remote.WithContext(ctx), remote.WithAuth(credentials(login)))
}

// pull fetches an image as an account of the company; nobody, if the login is empty.
func (d *demo) pull(ctx context.Context, login, repository string) error {
	ref, err := d.reference(repository)
	if err != nil {
		return err
	}
	image, err := remote.Image(ref, remote.WithContext(ctx), remote.WithAuth(credentials(login)))
	if err != nil {
		return err
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	for _, layer := range layers {
		content, err := layer.Compressed()
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return err
		}
		if err := content.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) reference(repository string) (name.Reference, error) {
	return name.ParseReference(d.registry()+"/"+repository, name.Insecure)
}

// credentials are those of an account; an unknown one is nobody.
func credentials(login string) authn.Authenticator {
	for _, p := range company.People() {
		if p.Login == login {
			return &authn.Basic{Username: p.Login, Password: p.Password}
		}
	}
	return authn.Anonymous
}

// hello is an image with one file in it.
func hello(text string) (v1.Image, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	const readable = 0o644
	if err := w.WriteHeader(&tar.Header{Name: "hello.txt", Mode: readable, Size: int64(len(text)), ModTime: time.Unix(0, 0)}); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	c, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	c = c.DeepCopy()
	c.OS, c.Architecture = "linux", runtime.GOARCH
	return mutate.ConfigFile(image, c)
}
