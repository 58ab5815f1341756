#define _GNU_SOURCE
#include "CMicrohttpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* A connected socket, or a negative errno. */
static int connect_to(const char *address, uint16_t port, int timeout_milliseconds) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct timeval timeout = {timeout_milliseconds / 1000, timeout_milliseconds % 1000 * 1000};
    int is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1, descriptor, error;

    if (!is_v4 && inet_pton(AF_INET6, address, &v6.sin6_addr) != 1)
        return -EINVAL;
    descriptor = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    if (descriptor < 0)
        return -errno;
    /* On Linux the send timeout also limits connect. */
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(descriptor, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6, is_v4 ? sizeof v4 : sizeof v6) == 0)
        return descriptor;
    error = errno;
    close(descriptor);
    return -error;
}

int fibd_http_probe(const char *address, uint16_t port, const char *path, int timeout_milliseconds) {
    char text[512];
    int length, status = 0, descriptor = connect_to(address, port, timeout_milliseconds);
    ssize_t count;

    if (descriptor < 0)
        return descriptor;
    length = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    if (length < 0 || (size_t)length >= sizeof text)
        status = -EINVAL;
    else if (send(descriptor, text, (size_t)length, MSG_NOSIGNAL) != length)
        status = -EIO;
    else if ((count = recv(descriptor, text, sizeof text - 1, 0)) <= 0)
        status = -ETIMEDOUT;
    else {
        text[count] = '\0';
        if (sscanf(text, "HTTP/1.%*1d %3d", &status) != 1)
            status = -EPROTO;
    }
    close(descriptor);
    return status;
}
