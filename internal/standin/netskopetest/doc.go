// Package netskopetest is a simulated Netskope tenant: an [http.Handler] that
// imitates GET /api/v2/events/data/alert of the REST API v2, and, with
// [Server.Events], its five siblings, and a generator of records to fill them
// with. What is said of alerts below holds for the records of every stream.
//
// The zero value of [Server] is an empty tenant. It answers as the public
// material describes the endpoint: a page is {"ok":1,"result":[…]} and nothing
// else, pages follow each other by limit and offset, the newest event comes
// first, the start of a range is exclusive and its end inclusive, times are
// whole epoch seconds, and an alert that became queryable late is absent until
// then. Where the documentation contradicts itself or is silent a field of
// Server chooses, so that a collector can be tried against every reading.
// A request that no documentation covers is refused with 400, so that a
// misunderstanding shows as an error and never as an empty answer.
//
// Server.Fault makes single requests fail in the ways collectors have reported
// from production: resets, truncated bodies, errors inside a 200, pages that
// are short, empty or shifted, cursors that expire.
//
// What a diagnosis of a tenant has to tell apart, and what makes it:
//
//   - 401: another Token, or [Unauthorized]; in mid-run: Server.TokenUses
//   - 403, 404, 501, a redirect: [Forbidden], [NotFound], [Unlicensed], [Redirect];
//     of one stream alone: the Fault of one of Server.Events
//   - 429: Server.RateLimit; [RateLimited] with RateLimit-* headers and with or
//     without Retry-After, [TooManyRequests] with none of them
//   - a failure inside a 200: [StatusError], [NotOK], [MissingResult], [LoginPage]
//   - pages shorter than the limit asked for: Server.PageCap
//   - a clock that is wrong: Server.DateSkew
//   - an address where nobody answers: the [net/http/httptest.Server] closed, or
//     a Fault of Kind Reset
//   - alerts that nobody can find for hours, or no longer: Alert.Visible,
//     [Server.Remove]
//
// # Assumptions
//
// No public source shows these; they are the simulator's own choice:
//
//   - the bodies of 401, 404, 405 and 501, and every 400 text but "Time parameters are
//     not passed";
//   - that a limit above the maximum is clamped without a word (Server.PageCap);
//   - the whole cursor dialect: no public source shows operation or wait_time
//     on data/alert. A cursor belongs to one query and to the result set of
//     its first request; the same operation asked twice gives the same page
//     (unless Server.CursorOnce); only the newest 64 queries keep their cursors;
//   - that a range that ends before it starts is refused with 400;
//   - that a rate-limit window is a calendar second, and that all streams share
//     one limit;
//   - which fields a record of another stream than alerts has: they are from
//     Netskope's field catalogue of dataexport, and public audit samples.
//
// # Not modelled
//
//   - other event types than the six, dataexport, datasearch, the v1 API and OAuth2;
//   - the parameters timeperiod, type, acked, query and fields, refused with 400;
//   - tokens as Authorization: Bearer, token scopes and dates of expiry, the
//     address allow-list (each can be imitated by a Fault);
//   - retention: alerts never age out, the 90-day lookback is not enforced;
//   - alerts that change after they were served;
//   - limits on the span of a query or on offset;
//   - queueing at the rate limit: an excess request is refused at once;
//   - TLS and HTTP/2 particulars: wrap the handler in a server of your choice.
package netskopetest
