// Package pipenet is a network inside one process, for tests: HTTP servers and
// clients talk over it without kernel sockets.
//
// It is made for a [testing/synctest] bubble, where a goroutine that waits on a
// kernel socket keeps the bubble's clock from advancing. Everything here waits
// on channels and condition variables, and deadlines run on the time package, so
// a simulated hour of waiting for an answer takes no real time. It works the same
// outside a bubble.
//
// Connections imitate TCP on Linux as far as a program can tell the difference:
//
//   - Each direction buffers 64 KiB, so a writer runs ahead of its reader.
//   - After an orderly Close the peer reads what was written, then [io.EOF]; its
//     own writes fail with [syscall.EPIPE].
//   - Close after SetLinger(0) resets the connection: what was written before
//     stays readable, then both ends fail with [syscall.ECONNRESET].
//   - Deadlines apply to operations under way and fail with
//     [os.ErrDeadlineExceeded].
//
// Not modelled: names and ports (every dial reaches the one listener), a backlog
// (a dial waits for Accept), latency, packet loss, keep-alive, and the reset that
// the kernel sends when a socket is closed with unread input.
package pipenet
