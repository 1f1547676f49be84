// Package ndjson reads alerts line by line out of objects of a bucket, files and standard
// input, compressed or not, in memory that does not grow with them.
package ndjson

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
)

// Source is one input: an object of a bucket, a file, or standard input.
type Source struct {
	Name     string // as messages show it
	Object   string // name within the bucket, or absolute path without the first slash; empty if it has none
	Folder   string // as object has it, with a slash at its end, if it is listed
	Listed   bool   // the argument was a folder
	Encoding string // Content-Encoding of an object
	nameless bool   // only its first bytes tell whether it is compressed
	Open     func(context.Context) (io.ReadCloser, error)
}

// Inputs find what arguments name.
type Inputs struct {
	Stdin  io.Reader
	Bucket func(name string) (*storage.BucketHandle, error)
}

var (
	// ErrGone says that an object was taken away since it was listed, as a feed may.
	ErrGone = errors.New("it is no longer there")
	// ErrStop ends each without being an error.
	ErrStop = errors.New("stop")
)

// Each calls do for everything that the arguments name, folders in the order of their
// names. All arguments are looked at before the first is read.
func (in Inputs) Each(ctx context.Context, arguments []string, do func(Source) error) error {
	var named []func(func(Source) error) error
	standard := 0
	for _, argument := range arguments {
		if argument == "-" {
			standard++
		}
		sources, err := in.find(ctx, argument)
		if err != nil {
			return err
		}
		named = append(named, sources)
	}
	if standard > 1 {
		return errors.New("standard input (-) can be read once only: name it once")
	}
	for _, sources := range named {
		if err := sources(do); errors.Is(err, ErrStop) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// find says what the argument is.
func (in Inputs) find(ctx context.Context, argument string) (func(func(Source) error) error, error) {
	one := func(s Source) func(func(Source) error) error {
		return func(do func(Source) error) error { return do(s) }
	}
	if argument == "-" {
		return one(Source{Name: "standard input", nameless: true, Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(in.Stdin), nil
		}}), nil
	}
	if path, ok := strings.CutPrefix(argument, "gs://"); ok {
		return in.findObjects(ctx, argument, path)
	}
	is, err := os.Stat(argument)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", argument, errors.Unwrap(err))
	}
	if is.IsDir() {
		return func(do func(Source) error) error { return eachFile(argument, do) }, nil
	}
	s := fileSource(argument)
	s.nameless = !is.Mode().IsRegular() // a pipe such as <(zcat a.gz)
	return one(s), nil
}

func fileSource(path string) Source {
	object, err := filepath.Abs(path)
	if err != nil {
		object = path
	}
	object = strings.TrimPrefix(filepath.ToSlash(object), "/")
	return Source{Name: path, Object: object, Open: func(context.Context) (io.ReadCloser, error) {
		return os.Open(path)
	}}
}

// eachFile calls do for the regular files below the folder.
func eachFile(folder string, do func(Source) error) error {
	base := strings.TrimPrefix(fileSource(folder).Object+"/", "/")
	return filepath.WalkDir(folder, func(path string, is fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("list %s: %w", folder, err)
		}
		if !is.Type().IsRegular() {
			return nil
		}
		s := fileSource(path)
		s.Folder, s.Listed = base, true
		return do(s)
	})
}

// findObjects says what gs://path is: an object, or all below a folder.
func (in Inputs) findObjects(ctx context.Context, argument, path string) (func(func(Source) error) error, error) {
	bucketName, object, _ := strings.Cut(path, "/")
	if bucketName == "" {
		return nil, fmt.Errorf("%q names no bucket: type gs://BUCKET/OBJECT, "+
			"or gs://BUCKET/FOLDER/ with a slash at its end for all that lies below it", argument)
	}
	bucket, err := in.Bucket(bucketName)
	if err != nil {
		return nil, err
	}
	if object == "" || strings.HasSuffix(object, "/") {
		return func(do func(Source) error) error { return eachListed(ctx, bucket, object, do) }, nil
	}
	attempt := newPatience(ctx)
	defer attempt.end()
	is, err := bucket.Object(object).Attrs(attempt.ctx)
	if errors.Is(err, storage.ErrObjectNotExist) {
		return nil, fmt.Errorf("there is no object %s; for all that lies below a folder, type a slash at its end: %s/",
			argument, argument)
	}
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", argument, attempt.because(err))
	}
	s := objectSource(bucket, is)
	return func(do func(Source) error) error { return do(s) }, nil
}

// eachListed calls do for every object whose name begins with the folder's.
//
// It needs storage.objects.list.
func eachListed(ctx context.Context, bucket *storage.BucketHandle, folder string, do func(Source) error) error {
	uri := "gs://" + bucket.BucketName() + "/" + folder
	query := &storage.Query{Prefix: folder}
	if err := query.SetAttrSelection([]string{"Name", "Generation", "Size", "ContentEncoding"}); err != nil {
		return fmt.Errorf("list %s: %w", uri, err)
	}
	attempt := newPatience(ctx)
	defer attempt.end()
	for objects := bucket.Objects(attempt.ctx, query); ; {
		attempt.again()
		is, err := objects.Next()
		if errors.Is(err, iterator.Done) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list %s: %w", uri, attempt.because(err))
		}
		attempt.pause()
		if strings.HasSuffix(is.Name, "/") && is.Size == 0 {
			continue // what the console creates to show a folder
		}
		s := objectSource(bucket, is)
		s.Folder, s.Listed = folder, true
		if err := do(s); err != nil {
			return err
		}
	}
}

// objectSource reads the generation that was seen.
//
// It needs storage.objects.get.
func objectSource(bucket *storage.BucketHandle, is *storage.ObjectAttrs) Source {
	name, generation := is.Name, is.Generation
	uri := "gs://" + bucket.BucketName() + "/" + name
	return Source{Name: uri, Object: name, Encoding: is.ContentEncoding,
		Open: func(ctx context.Context) (io.ReadCloser, error) {
			attempt := newPatience(ctx)
			r, err := bucket.Object(name).Generation(generation).NewReader(attempt.ctx)
			if err != nil {
				defer attempt.end()
				if errors.Is(err, storage.ErrObjectNotExist) {
					return nil, ErrGone
				}
				return nil, attempt.because(err)
			}
			attempt.pause()
			return &patientReader{r, attempt}, nil
		}}
}

// IsNDJSON reports whether the name is of an object of lines.
func IsNDJSON(name string) bool {
	return strings.HasSuffix(name, ".ndjson") || strings.HasSuffix(name, ".ndjson.gz")
}

// Place is where a line is, as messages show it.
func (s Source) Place(at Line) string { return fmt.Sprintf("%s:%d", s.Name, at.Number) }
