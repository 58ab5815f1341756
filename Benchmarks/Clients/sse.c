#include "sse.h"

#include "net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { carried_at_most = 1 << 16, buffer_size = 1 << 18 };
static char buffer[carried_at_most + buffer_size + 64];

const char *sse_next(const char *p, const char *end, struct frame *frame) {
    *frame = (struct frame){.event = "", .data = ""};
    const char *line_end;
    while ((line_end = memchr(p, '\n', (size_t)(end - p)))) {
        if (line_end == p) return p + 1;
        if (*p == 'd' && line_end - p >= 6) {
            frame->data = p + 6;
            frame->data_length = (size_t)(line_end - p - 6);
        } else if (*p == 'e' && line_end - p >= 7) {
            frame->event = p + 7;
            frame->event_length = (size_t)(line_end - p - 7);
        }
        p = line_end + 1;
    }
    return NULL;
}

bool is_event(const struct frame *frame, const char *name) {
    return frame->event_length == strlen(name) && memcmp(frame->event, name, frame->event_length) == 0;
}

static bool skip(const char **p, const char *literal) {
    size_t length = strlen(literal);
    if (memcmp(*p, literal, length) != 0) return false;
    *p += length;
    return true;
}

static uint64_t read_number(const char **p) {
    uint64_t value = 0;
    while ((unsigned)(**p - '0') < 10) value = value * 10 + (uint64_t)(*(*p)++ - '0');
    return value;
}

// Reads {"op":"…","seq":N,"version":N[,"prev":N][…],"entry":{"dst":"10.a.b.c/…. The buffer behind the data is longer than
// any literal looked for, so nothing is read beyond it.
bool parse_delta(const struct frame *frame, struct delta *delta) {
    const char *p = frame->data, *end = p + frame->data_length;
    *delta = (struct delta){0};
    if (frame->data_length < 16 || !skip(&p, "{\"op\":\"")) return false;
    delta->is_row = memcmp(p, "replay\"", 7) == 0;
    delta->is_flags = memcmp(p, "flags\"", 6) == 0;
    p = memchr(p, '"', (size_t)(end - p));
    if (!p || !skip(&p, "\",\"seq\":")) return false;
    delta->seq = read_number(&p);
    if (!skip(&p, ",\"version\":")) return false;
    read_number(&p);
    if (skip(&p, ",\"prev\":"))
        delta->prev = read_number(&p);
    else if (!delta->is_row)
        return false;
    if (!skip(&p, ",\"entry\":{\"dst\":\"10.")) return true;
    delta->has_host = true;
    uint32_t a = (uint32_t)read_number(&p), b = skip(&p, ".") ? (uint32_t)read_number(&p) : 0;
    uint32_t c = skip(&p, ".") ? (uint32_t)read_number(&p) : 0;
    delta->host = a << 16 | b << 8 | c;
    return true;
}

uint64_t sync_seq(const struct frame *frame) {
    const char *p = frame->data;
    return frame->data_length > 8 && skip(&p, "{\"seq\":") ? read_number(&p) : 0;
}

long read_behind(struct carry *carry, int fd, size_t most, const char **begin, const char **end) {
    memcpy(buffer, carry->bytes ? carry->bytes : "", carry->length);
    ssize_t got = recv(fd, buffer + carry->length, most < buffer_size ? most : buffer_size, MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EINTR ? -1 : 0;
    *begin = buffer;
    *end = buffer + carry->length + got;
    return got;
}

void carry_over(struct carry *carry, const char *p, const char *end) {
    size_t length = (size_t)(end - p);
    errno = 0;
    if (length > carried_at_most) die("a frame of more than %d bytes", carried_at_most);
    if (length > 0 && !carry->bytes) carry->bytes = allocate(carried_at_most);
    if (length > 0) memcpy(carry->bytes, p, length);
    carry->length = length;
}
