// Package gcstest is a Cloud Storage inside the process, served over HTTP, for
// tests and demonstrations with the real client cloud.google.com/go/storage.
//
// [Server] is an [net/http.Handler]. A client reaches it with the environment
// variable STORAGE_EMULATOR_HOST=host:port, or with option.WithEndpoint(base +
// "/storage/v1/") and option.WithHTTPClient, with or without
// storage.WithJSONReads. Faults need HTTP/1.1, because they take over the
// connection.
//
// # What is modelled
//
// The behaviour follows the public documentation of the JSON API
// (https://cloud.google.com/storage/docs/json_api), of resumable uploads
// (/storage/docs/resumable-uploads and /storage/docs/performing-resumable-uploads)
// and of request preconditions (/storage/docs/request-preconditions):
//
//   - Uploads: simple (uploadType=media), multipart/related and resumable. An
//     object becomes visible when its upload is finished, whole and at once.
//   - Reads of metadata and media, media also by the XML API's GET and HEAD.
//   - List, delete, patch and update of metadata, moves, bucket metadata,
//     testIamPermissions.
//   - Object versioning, retention policies and missing permissions, if Server
//     says so.
//   - Preconditions on all of them, for uploads both when they start and when
//     they are finished.
//   - CRC32C and MD5 given by the uploader are verified before an object is
//     stored.
//
// Where the documentation leaves room:
//
//   - A resumable session keeps every byte that arrived, also of a request that
//     was cut off. Bytes sent again are skipped, a gap is answered with 503, and
//     a finished session answers every request with 200 and the object. These
//     three are what clients' maintainers observed of the service:
//     https://github.com/floci-io/floci-gcp/pull/132 and googleapis/java-storage,
//     ITJsonResumableSessionPutTaskTest.
//   - A session whose finishing was refused (checksum, precondition) is over and
//     repeats the refusal. This is an assumption.
//   - A read, patch, delete or move of an object that is not there is 404 whatever
//     its preconditions say; an upload that asks for a generation of it is 412.
//   - A permission that is always needed is looked at first, then whether the object
//     is there, then the preconditions, then what overwriting takes: the permission
//     storage.objects.delete and, at last, the end of the retention period. So
//     creating what exists is 412 also for a caller who may not delete.
//   - What overwriting takes is looked at when an upload starts and when it is
//     finished. Otherwise a session's URI needs no permission.
//   - Who has storage.objects.move needs neither storage.objects.delete nor
//     storage.objects.get to move an object away. Server.Deny forbids that with
//     storage.objects.move and one of the other two.
//   - ifGenerationNotMatch fails for a move without a live destination, as is
//     documented, but holds for an upload, although the same is documented there.
//   - A move works in every bucket, also without a hierarchical namespace, and
//     makes no folders. Of the two objects' preconditions the source's come first.
//   - X-Goog-Gcs-Idempotency-Token is ignored, so a repeated request is executed
//     again. Its effect in the service is not documented; this is the harder case
//     for a client.
//   - md5Hash is given for objects of up to 1 MiB and for those whose uploader
//     gave an MD5, to keep large uploads fast. The service gives it for every
//     object that was not composed.
//
// # What is not modelled
//
// Answered with 501 Not Implemented and the feature's name, never ignored (the
// client repeats a request answered with 501, as any 5xx, until its context ends):
// soft-deleted objects, ACLs, encryption with customer keys, compose, rewrite and
// copy, retention and holds of single objects, object contexts, custom time,
// requester pays, creating, listing and changing buckets, IAM policies,
// notifications, folders, batch requests, XML uploads and listings, decompressive
// transcoding of gzip objects, reads of several ranges, ETag and date conditions,
// matchGlob and list filters, changing the storage class, and any query parameter
// or object field that is not known here.
//
// Reported, but without any effect: lifecycle rules, soft delete policies, uniform
// bucket-level access, public access prevention.
//
// Ignored without an answer: authentication (there is one caller; it may do
// everything that Server.Deny leaves), rate limits (one write per second and object
// name among them), the fields parameter (all fields are returned), projection
// (there are no ACLs to leave out).
package gcstest
