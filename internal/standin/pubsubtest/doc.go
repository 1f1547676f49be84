// Package pubsubtest is a Pub/Sub topic inside the process, for tests and
// demonstrations: it takes messages over HTTP, as the real client
// google.golang.org/api/pubsub/v1 sends them, and pushes them to an endpoint as
// Eventarc pushes them to a Cloud Run function.
//
// [Server] is an [net/http.Handler]. A client reaches it with
// option.WithEndpoint(base URL) and option.WithoutAuthentication. Time is the time
// package's and nothing waits on a kernel socket but what the caller brings, so
// that in a [testing/synctest] bubble, with Server.Transport inside it too, hours
// of waiting for the next delivery take no time.
//
// # What is modelled
//
// Publishing, after the REST reference and "Quotas and limits" of Pub/Sub
// (https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics/publish,
// /pubsub/quotas, /pubsub/docs/reference/error-codes):
//
//   - POST /v1/projects/P/topics/T:publish and GET /v1/projects/P/topics/T.
//   - A request holds 1 to 1000 messages and 10,000,000 bytes, and its JSON at most
//     10,485,760 bytes. A message holds data or attributes; at most 100 attributes,
//     with keys of up to 256 bytes and values of up to 1024 bytes. All or none of a
//     request's messages are published.
//   - Errors in Google's JSON form, 404 for another topic. The texts of 400 are
//     those that users of the service have quoted.
//
// Delivering, after /eventarc/docs/retry-events, /pubsub/docs/push and
// /pubsub/docs/handling-failures:
//
//   - A POST of a CloudEvent in binary mode, headers and body as recorded in
//     https://github.com/googleapis/google-cloudevents/issues/151.
//   - 102, 200, 201, 202 and 204 acknowledge a message; every other status, a
//     redirect and a 206 among them, does not, nor does an answer that comes later
//     than Server.AckDeadline.
//   - At least once: a message that is not acknowledged is pushed again, with the
//     same event ID and time, after an exponential backoff, until Server.Retention
//     has passed. Acknowledged messages can be pushed again, too.
//   - No order between messages.
//
// # Assumptions
//
//   - The backoff doubles with every failure and has no jitter. The service keeps
//     to it "on a best effort basis".
//   - The subscription exists from the beginning: what is published before there is
//     an endpoint waits for it.
//   - A push that has missed the deadline is broken off, as the service documents
//     ("used to set the request timeout"); whether a function behind Eventarc
//     notices is not documented: see Server.HoldOpen.
//   - A published messageId or publishTime, which a publisher "must not" set, is
//     refused with 400, and so is an attribute whose key begins with goog.
//   - After a message has failed it keeps its number of failures until it is
//     acknowledged.
//   - What the numbers of IDs look like; they are unique and in no order.
//
// # What is not modelled
//
// Answered with 501 and the feature's name: ordering keys, all other methods of the
// API. Not there at all: authentication, of publishers and of pushes (no
// Authorization header is asked for or sent), pulling, several subscriptions, dead
// letter topics and deliveryAttempt, filters, schemas, transforms, quotas,
// the slow start of pushes (up to Server.Concurrency are sent from the first
// moment), exactly-once delivery (which push subscriptions do not have), unwrapped
// payloads, and what Cloud Run does before a function: starts of instances, 429 when
// there are too few, 504.
package pubsubtest
