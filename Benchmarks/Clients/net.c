#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void die(const char *format, ...) {
    int reason = errno;
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    if (reason != 0) fprintf(stderr, ": %s", strerror(reason));
    fputc('\n', stderr);
    exit(1);
}

uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

double seconds_since(uint64_t start_ns) { return (double)(now_ns() - start_ns) / 1e9; }

double number(const char *text, const char *name, double least, double most) {
    char *end;
    double value = strtod(text, &end);
    errno = 0;
    if (*text == 0 || *end != 0 || value < least || value > most)
        die("%s wants a number from %g to %g, not '%s'", name, least, most, text);
    return value;
}

static void send_at_once(int fd) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

int connect_to(const char *address) { return connect_with_buffer(address, 0); }

int connect_with_buffer(const char *address, int bytes) {
    struct sockaddr_in peer = {.sin_family = AF_INET};
    const char *colon = strrchr(address, ':');
    char host[64];
    if (!colon || (size_t)(colon - address) >= sizeof host) die("'%s' is no HOST:PORT", address);
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = 0;
    peer.sin_port = htons((uint16_t)number(colon + 1, "the port", 1, 65535));
    if (inet_pton(AF_INET, host, &peer.sin_addr) != 1) die("'%s' is no IPv4 address", host);

    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    // The kernel makes it twice as large, for what it needs itself. It must be done now: where a buffer shrinks while it is in
    // use, the other side may not hear of room that has become free before it asks, many seconds later.
    bytes /= 2;
    if (bytes > 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) != 0) die("SO_RCVBUF");
    if (connect(fd, (struct sockaddr *)&peer, sizeof peer) != 0) die("no connection to %s", address);
    send_at_once(fd);
    return fd;
}

int listen_on(int port) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t length = sizeof here;
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&here, sizeof here) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, (struct sockaddr *)&here, &length) != 0)
        die("can't listen on 127.0.0.1:%d", port);
    printf("{\"address\":\"127.0.0.1:%d\"}\n", ntohs(here.sin_port));
    fflush(stdout);
    return fd;
}

int accept_from(int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) die("accept");
    send_at_once(fd);
    return fd;
}

void set_nonblocking(int fd) {
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) die("fcntl");
}

void send_all(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) die("send");
        bytes += sent;
        length -= (size_t)sent;
    }
}

void watch(int epoll, int fd, void *tag) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = tag};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

void allow_descriptors(size_t needed) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    errno = 0;
    if (limit.rlim_cur < needed + 16)
        die("this needs %zu descriptors, and the limit is %ju (ulimit -n)", needed + 16, (uintmax_t)limit.rlim_cur);
}

char *read_file(const char *path, size_t *length) {
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) die("%s", path);
    char *bytes = allocate((size_t)status.st_size + 1);
    *length = 0;
    while (*length < (size_t)status.st_size) {
        ssize_t got = read(fd, bytes + *length, (size_t)status.st_size - *length);
        if (got <= 0) die("%s", path);
        *length += (size_t)got;
    }
    close(fd);
    return bytes;
}

void *allocate(size_t bytes) {
    void *memory = calloc(1, bytes);
    if (!memory) die("no memory for %zu bytes", bytes);
    return memory;
}
