#include "http.h"

#include "net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

size_t http_head(const char *bytes, size_t length) {
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    return end ? (size_t)(end + 4 - bytes) : 0;
}

// The value of Content-Length in a complete head, or -1.
static long content_length(const char *head, size_t length) {
    static const char name[] = "content-length:";
    const char *end = head + length;
    for (const char *line = head; line < end; line = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1)
        if ((*line | 0x20) == 'c' && strncasecmp(line, name, sizeof name - 1) == 0)
            return strtol(line + sizeof name - 1, NULL, 10);
    return -1;
}

size_t http_answer(const char *bytes, size_t length, int *status) {
    size_t head = http_head(bytes, length);
    if (head == 0) return 0;
    *status = atoi(bytes + strlen("HTTP/1.1 "));
    long body = content_length(bytes, head);
    if (body < 0 && *status == 204) body = 0;
    errno = 0;
    if (body < 0) die("an answer has no Content-Length: %.*s", (int)head, bytes);
    return head + (size_t)body <= length ? head + (size_t)body : 0;
}

size_t http_request(char *out, const char *method, const char *path, const char *type, const char *body) {
    int length = sprintf(out, "%s %s HTTP/1.1\r\nHost: localhost\r\n", method, path);
    if (type)
        length += sprintf(out + length, "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", type, strlen(body), body);
    else
        length += sprintf(out + length, "\r\n");
    return (size_t)length;
}
