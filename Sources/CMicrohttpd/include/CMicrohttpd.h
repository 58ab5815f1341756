/* What HTTPServer needs and Swift can't call: libmicrohttpd's variadic functions, and the socket and epoll calls whose
 * C types (packed structs, casts between sockaddr types, macros) don't survive the import. No policy lives here. */
#ifndef FIBD_CMICROHTTPD_H
#define FIBD_CMICROHTTPD_H

#include <microhttpd.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* ---- Daemons ------------------------------------------------------------------------------------------------- */

/* The callbacks of one daemon. All are called on the thread that calls MHD_run or MHD_stop_daemon, with `context`. */
struct fibd_daemon_settings {
    unsigned int connection_limit;
    unsigned int connection_timeout_seconds;
    size_t connection_memory;
    /* Borrowed: must stay valid until MHD_stop_daemon has returned. Not looked at by the library. */
    void *context;
    MHD_AccessHandlerCallback handle;
    /* Sees the request target before libmicrohttpd cuts it at '?'; what it returns is the request's context pointer.
     * The target is borrowed for the call and may be NULL (a request line without one). */
    void *(*target)(void *context, const char *target, struct MHD_Connection *connection);
    MHD_RequestCompletedCallback completed;
    MHD_NotifyConnectionCallback connection;
};

/* Starts a daemon without threads of its own (epoll, suspend and resume allowed, targets left percent-encoded).
 * `listen_socket` must be bound, listening and non-blocking. On success it still belongs to the caller, who closes it
 * after MHD_quiesce_daemon. On failure (NULL, errno set where the library sets it) it is consumed.
 * `settings` is borrowed for the call. The result is used by one thread at a time. */
struct MHD_Daemon *fibd_daemon_start(int listen_socket, const struct fibd_daemon_settings *settings);

/* The descriptor that becomes readable when MHD_run has something to do; -1 if there is none. Belongs to the daemon. */
int fibd_daemon_poll_descriptor(struct MHD_Daemon *daemon);

/* ---- Connections: only on the thread that runs their daemon ---------------------------------------------------- */

/* The socket. Belongs to the connection and stays open while the connection is suspended. */
int fibd_connection_descriptor(struct MHD_Connection *connection);

/* What the connection callback stored for this connection; NULL if nothing. */
void *fibd_connection_context(struct MHD_Connection *connection);

/* Writes the client's address as "192.0.2.1:4711" or "[2001:db8::1]:4711" and a final NUL into `text`; empty if
 * unknown. `size` of 64 is always enough. */
void fibd_connection_peer(struct MHD_Connection *connection, char *text, size_t size);

/* MHD_CONTENT_READER_END_OF_STREAM and MHD_CONTENT_READER_END_WITH_ERROR are casts, which Swift doesn't import. */
extern const ssize_t fibd_body_end;
extern const ssize_t fibd_body_error;

/* ---- Sockets: any thread ---------------------------------------------------------------------------------------- */

/* Opens a listening TCP socket on a numeric IPv4 or IPv6 address (IPv6 only, no mapped IPv4). Returns the descriptor,
 * which the caller owns, and stores the port in use; or a negative errno, EINVAL when `address` isn't numeric. */
int fibd_listen(const char *address, uint16_t port, int backlog, uint16_t *bound_port);

/* Prepares a connected socket for an event stream: no Nagle delay, a fixed send buffer, and a limit for how long sent
 * or buffered data may wait for the other side. Errors are ignored: the stream works without. */
void fibd_stream_prepare(int descriptor, int send_buffer_bytes, unsigned int timeout_milliseconds);

/* Sends what fits without waiting and without SIGPIPE. Returns bytes sent, or a negative errno. */
ssize_t fibd_send(int descriptor, const void *bytes, size_t count);
ssize_t fibd_send_slices(int descriptor, const struct iovec *slices, size_t count);

/* Takes a socket from whoever closes `descriptor` some day: returns another descriptor for it, which belongs to the
 * caller, and has `descriptor` stand for what `placeholder` is. No epoll may watch `descriptor`: it would go on watching
 * the socket. A negative errno if that can't be done; then nothing has changed. */
int fibd_take_over(int descriptor, int placeholder);

/* Something for `fibd_take_over` that is no socket. A descriptor that the caller owns, or a negative errno. */
int fibd_placeholder_create(void);

/* Throws away up to `limit` received bytes without waiting. 1 if there may be more, else 0. */
int fibd_discard_input(int descriptor, size_t limit);

/* Sends `GET path` to a numeric address and returns the status of the answer, or a negative errno when there is none in
 * time. Waits up to the time-out for each of connecting, sending and the first part of the answer. Any thread. */
int fibd_http_probe(const char *address, uint16_t port, const char *path, int timeout_milliseconds);

/* ---- epoll and eventfd: any thread ------------------------------------------------------------------------------ */

struct fibd_event {
    uint64_t tag;
    uint32_t readiness; /* FIBD_… bits */
};

enum {
    FIBD_READABLE = 1,
    FIBD_WRITABLE = 2,
    FIBD_PEER_CLOSED = 4, /* the other side closed its half, or the connection is broken */
};

/* A descriptor that the caller owns, or a negative errno. */
int fibd_poll_create(void);

/* Reports `descriptor` with `tag` while it is readable. 0 or a negative errno. */
int fibd_poll_add_readable(int poll, int descriptor, uint64_t tag);

/* Reports changes (edges) of readability, writability and of the other side leaving. 0 or a negative errno. */
int fibd_poll_add_edges(int poll, int descriptor, uint64_t tag);

/* Reports once more whatever holds of a descriptor that was added with `fibd_poll_add_edges`. */
void fibd_poll_report_again(int poll, int descriptor, uint64_t tag);

/* 0 or a negative errno. */
int fibd_poll_remove(int poll, int descriptor);

/* Waits up to `timeout_milliseconds` (-1: for ever) and stores up to `capacity` (at most 256) events. Returns their
 * number, 0 after a signal, or a negative errno. */
int fibd_poll_wait(int poll, struct fibd_event *events, int capacity, int timeout_milliseconds);

/* A non-blocking eventfd that the caller owns, or a negative errno. */
int fibd_wakeup_create(void);
void fibd_wakeup_signal(int descriptor);
void fibd_wakeup_clear(int descriptor);

#endif
