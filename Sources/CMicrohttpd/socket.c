#define _GNU_SOURCE
#include "CMicrohttpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* The length of the parsed address, 0 if `text` isn't a numeric one. */
static socklen_t parse_address(const char *text, uint16_t port, union address *address) {
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(port);
        return sizeof address->v4;
    }
    if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(port);
        return sizeof address->v6;
    }
    return 0;
}

/* 0 or errno. */
static int bind_and_listen(int descriptor, union address *address, socklen_t length, int backlog) {
    const int on = 1;

    if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return errno;
    if (address->any.sa_family == AF_INET6 &&
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
        return errno;
    if (bind(descriptor, &address->any, length) != 0 || listen(descriptor, backlog) != 0)
        return errno;
    return getsockname(descriptor, &address->any, &length) == 0 ? 0 : errno;
}

int fibd_listen(const char *address, uint16_t port, int backlog, uint16_t *bound_port) {
    union address parsed;
    socklen_t length = parse_address(address, port, &parsed);
    int descriptor, error;

    if (length == 0)
        return -EINVAL;
    descriptor = socket(parsed.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (descriptor < 0)
        return -errno;
    error = bind_and_listen(descriptor, &parsed, length, backlog);
    if (error != 0) {
        close(descriptor);
        return -error;
    }
    *bound_port = ntohs(parsed.any.sa_family == AF_INET ? parsed.v4.sin_port : parsed.v6.sin6_port);
    return descriptor;
}

void fibd_stream_prepare(int descriptor, int send_buffer_bytes, unsigned int timeout_milliseconds) {
    const int on = 1;

    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (send_buffer_bytes > 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &send_buffer_bytes, sizeof send_buffer_bytes);
    setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_milliseconds, sizeof timeout_milliseconds);
}

ssize_t fibd_send(int descriptor, const void *bytes, size_t count) {
    ssize_t sent;

    do
        sent = send(descriptor, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

ssize_t fibd_send_slices(int descriptor, const struct iovec *slices, size_t count) {
    struct msghdr message = {.msg_iov = (struct iovec *)slices, .msg_iovlen = count};
    ssize_t sent;

    do
        sent = sendmsg(descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

int fibd_placeholder_create(void) {
    const int placeholder = open("/dev/null", O_RDWR | O_CLOEXEC);
    return placeholder < 0 ? -errno : placeholder;
}

int fibd_take_over(int descriptor, int placeholder) {
    const int taken = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    int error;

    if (taken < 0)
        return -errno;
    if (dup3(placeholder, descriptor, O_CLOEXEC) >= 0)
        return taken;
    error = errno;
    close(taken);
    return -error;
}

int fibd_discard_input(int descriptor, size_t limit) {
    char unused[65536];

    while (limit > 0) {
        const ssize_t dropped = recv(descriptor, unused, limit < sizeof unused ? limit : sizeof unused, MSG_DONTWAIT);
        if (dropped <= 0)
            return 0;
        limit -= (size_t)dropped;
    }
    return 1;
}

int fibd_poll_create(void) {
    const int poll = epoll_create1(EPOLL_CLOEXEC);
    return poll < 0 ? -errno : poll;
}

static int poll_add(int poll, int descriptor, uint32_t interest, uint64_t tag) {
    struct epoll_event event = {.events = interest, .data.u64 = tag};
    return epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) == 0 ? 0 : -errno;
}

int fibd_poll_add_readable(int poll, int descriptor, uint64_t tag) {
    return poll_add(poll, descriptor, EPOLLIN, tag);
}

static const uint32_t all_edges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

int fibd_poll_add_edges(int poll, int descriptor, uint64_t tag) {
    return poll_add(poll, descriptor, all_edges, tag);
}

void fibd_poll_report_again(int poll, int descriptor, uint64_t tag) {
    struct epoll_event event = {.events = all_edges, .data.u64 = tag};
    epoll_ctl(poll, EPOLL_CTL_MOD, descriptor, &event);
}

int fibd_poll_remove(int poll, int descriptor) {
    return epoll_ctl(poll, EPOLL_CTL_DEL, descriptor, NULL) == 0 ? 0 : -errno;
}

int fibd_poll_wait(int poll, struct fibd_event *events, int capacity, int timeout_milliseconds) {
    struct epoll_event ready[256];
    const int limit = capacity < 256 ? capacity : 256;
    const int count = epoll_wait(poll, ready, limit, timeout_milliseconds);

    if (count < 0)
        return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        const uint32_t bits = ready[i].events;
        events[i].tag = ready[i].data.u64;
        events[i].readiness = (bits & EPOLLIN ? FIBD_READABLE : 0) | (bits & EPOLLOUT ? FIBD_WRITABLE : 0) |
                              (bits & (EPOLLRDHUP | EPOLLHUP | EPOLLERR) ? FIBD_PEER_CLOSED : 0);
    }
    return count;
}

int fibd_wakeup_create(void) {
    const int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return descriptor < 0 ? -errno : descriptor;
}

void fibd_wakeup_signal(int descriptor) {
    const uint64_t one = 1;
    ssize_t written;

    /* EAGAIN means that the counter is at its limit: the sleeper is awake already. */
    do
        written = write(descriptor, &one, sizeof one);
    while (written < 0 && errno == EINTR);
}

void fibd_wakeup_clear(int descriptor) {
    uint64_t count;

    while (read(descriptor, &count, sizeof count) < 0 && errno == EINTR)
        continue;
}
