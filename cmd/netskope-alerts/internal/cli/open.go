package cli

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"cloud.google.com/go/storage"

	"netskope-alerts.internal/collector"
	"netskope-alerts.internal/collector/internal/gcs"
	"netskope-alerts.internal/collector/internal/settings"
)

// Version is the program's.
const Version = collector.Version

// Open is the collector that the configuration in the environment names. It connects to
// nothing yet.
func (s Streams) Open() (*collector.Collector, error) {
	all, err := s.OpenAll()
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// OpenAll are the collectors of all streams of STREAMS. They connect to nothing yet.
func (s Streams) OpenAll() ([]*collector.Collector, error) {
	s.sayMisspelt()
	configs, err := settings.ConfigsFromEnv(s.Lookup)
	if err != nil {
		return nil, err
	}
	all, err := collector.OpenAll(configs)
	if err != nil {
		return nil, NoCredentials(err)
	}
	watched := s.waiting()
	for _, c := range all {
		watched.tenant(c)
	}
	return all, nil
}

// OpenToLook is the collector that the environment names, as far as it takes to look at what
// it delivered: nothing of the tenant is needed. It connects to nothing yet.
func (s Streams) OpenToLook() (*collector.Collector, error) {
	all, err := s.OpenAllToLook()
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// OpenAllToLook is as OpenToLook, for all streams of STREAMS.
func (s Streams) OpenAllToLook() ([]*collector.Collector, error) {
	s.sayMisspelt()
	configs, err := settings.ConfigsToLook(s.Lookup)
	if err != nil {
		return nil, err
	}
	all, err := collector.OpenAll(configs)
	if err != nil {
		return nil, NoCredentials(err)
	}
	return all, nil
}

// Judge says what is wrong with the configuration in the environment, that of all streams.
func (s Streams) Judge() error {
	s.sayMisspelt()
	_, err := settings.ConfigsFromEnv(s.Lookup)
	return err
}

// JudgeToLook is as [Streams.Judge], of what [Streams.OpenToLook] needs.
func (s Streams) JudgeToLook() error {
	s.sayMisspelt()
	_, err := settings.ConfigToLook(s.Lookup)
	return err
}

// sayMisspelt names variables that nothing reads, but that may be meant for one that is read.
func (s Streams) sayMisspelt() {
	if s.judged {
		return
	}
	for _, p := range settings.Misspelt(s.Lookup) {
		fmt.Fprintf(s.Stderr, "netskope-alerts: %v\n", p)
	}
}

// OpenBucket opens a bucket as the collector does. It connects to nothing yet.
func OpenBucket(name string) (*storage.BucketHandle, error) {
	bucket, err := gcs.Open(name)
	if err != nil {
		return nil, NoCredentials(err)
	}
	return bucket.Handle(), nil
}

// NoCredentials is the error of a client that could not be made: nearly always because this
// machine has no credentials. The libraries have no error value for that.
func NoCredentials(err error) error {
	return fmt.Errorf("%w; if this machine has no credentials yet, type: gcloud auth application-default login", err)
}

// Hint says what to do about an error of a service, or nothing. The arguments are those of the command line.
func (s Streams) Hint(err error, arguments []string) string {
	host, _ := s.Lookup("STORAGE_EMULATOR_HOST")
	var dial *net.OpError
	refusal := gcs.RefusalOf(err)
	switch {
	case host != "" && errors.As(err, &dial) && errors.Is(err, syscall.ECONNREFUSED) && dial.Addr != nil &&
		strings.HasSuffix(strings.TrimSuffix(host, "/"), dial.Addr.String()):
		return fmt.Sprintf("nothing listens on %s, which STORAGE_EMULATOR_HOST names: start it (netskope-alerts storage "+
			"is one), or unset STORAGE_EMULATOR_HOST to use Cloud Storage itself", host)
	case refusal != nil && refusal.Cause == gcs.CauseMove && host != "":
		return fmt.Sprintf("the emulator on %s, which STORAGE_EMULATOR_HOST names, does not know Objects: move; "+
			"netskope-alerts storage does", host)
	case errors.Is(err, storage.ErrBucketNotExist), refusal != nil && refusal.Cause == gcs.CauseBucket:
		return "if the name is right, make the bucket: gcloud storage buckets create gs://" + s.bucketOf(err, arguments)
	}
	return ""
}

// bucketOf is the bucket that the error is about: the one of the arguments that it names, or the collector's.
func (s Streams) bucketOf(err error, arguments []string) string {
	for _, argument := range arguments {
		if object, ok := strings.CutPrefix(argument, "gs://"); ok {
			name, _, _ := strings.Cut(object, "/")
			if strings.Contains(err.Error(), "gs://"+name+"/") {
				return name
			}
		}
	}
	name, _ := s.Lookup("GCS_BUCKET")
	return name
}

// Folder is the feed's: its bucket, and its name without a slash at the end. It needs less
// of the configuration than [Streams.Open].
func (s Streams) Folder() (bucket, prefix string, err error) {
	return settings.FolderFromEnv(s.Lookup)
}
