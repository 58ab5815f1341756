#include "peers.h"

#include "http.h"
#include "net.h"
#include "sse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t payload_size;
uint32_t slots;

static size_t http_answer_of_change(const char *p, size_t length) {
    int status = 0;
    size_t answer = http_answer(p, length, &status);
    errno = 0;
    if (answer > 0 && (status < 200 || status > 299)) die("a change was refused: %.*s", (int)answer, p);
    return answer;
}

// Whether a whole head stands here. A head that isn't a 200 ends the program.
static const char *skip_head(const char *p, const char *end) {
    size_t head = http_head(p, (size_t)(end - p));
    errno = 0;
    if (head > 0 && strncmp(p, "HTTP/1.1 200", 12) != 0) die("no subscription: %.*s", (int)(end - p), p);
    return head > 0 ? p + head : NULL;
}

// What peers without routes carry: the slot and as many bytes as a frame of fibd.
static char *write_payload(char *out, uint64_t index) {
    memset(out, 'x', payload_size);
    memcpy(out + sprintf(out, "slot%08u", (unsigned)(index % slots)), "xxxx", 4);
    return out + payload_size;
}

static uint32_t read_slot(const char *payload) { return (uint32_t)strtoul(payload + 4, NULL, 10); }

// fibd: a change is the PUT of a /32 whose last three bytes are the slot; a batch is one NDJSON body. The gateway differs
// from what an earlier run or an earlier round through the slots left there, as a PUT that changes nothing is no event.
unsigned gateway_of_run(void) {
    static unsigned run;
    while (run == 0) run = (unsigned)(now_ns() >> 10) & 0xffff;
    return run;
}

static size_t fibd_subscribe(char *out) {
    return http_request(out, "GET", "/v1/events?replay=none&heartbeat=60", NULL, NULL);
}

static size_t fibd_publish(char *out, uint64_t first, unsigned count) {
    static char body[1 << 17];
    char path[64];
    unsigned run = gateway_of_run();
    size_t length = 0;
    for (uint64_t index = first; index < first + count; index++) {
        unsigned slot = (unsigned)(index % slots), round = (unsigned)(index / slots % 256);
        if (count == 1) {
            sprintf(path, "/v1/routes/10.%u.%u.%u/32", slot >> 16, slot >> 8 & 255, slot & 255);
            sprintf(body, "{\"gateway\":\"198.%u.%u.%u\"}", run >> 8, run & 255, round);
            return http_request(out, "PUT", path, "application/json", body);
        }
        length += (size_t)sprintf(body + length, "{\"dst\":\"10.%u.%u.%u/32\",\"gateway\":\"198.%u.%u.%u\"}\n", slot >> 16,
                                  slot >> 8 & 255, slot & 255, run >> 8, run & 255, round);
    }
    return http_request(out, "POST", "/v1/routes?mode=replace", "application/x-ndjson", body);
}

static const char *fibd_next(const char *p, const char *end, struct message *message) {
    struct frame frame;
    struct delta delta;
    message->kind = other;
    if (*p == 'H') return skip_head(p, end);
    const char *next = sse_next(p, end, &frame);
    if (!next || frame.data_length == 0) return next;
    if (is_event(&frame, "sync")) message->kind = ready;
    if (is_event(&frame, "reset")) message->kind = told;
    if (is_event(&frame, "error")) message->kind = broken;
    static const char *const kinds[] = {"route", "link", "neigh", "namespace", "device"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!is_event(&frame, kinds[i])) continue;
        message->kind = !parse_delta(&frame, &delta) ? broken : delta.is_row ? row : delta.has_host ? change : passed;
        *message = (struct message){message->kind, delta.host % slots, delta.seq, delta.prev};
    }
    return next;
}

// Hardware: as fibd, but what counts as delivered is the flag by which the stream says what hardware made of the change.
static size_t hardware_subscribe(char *out) {
    return http_request(out, "GET", "/v1/events?replay=none&heartbeat=60&kinds=route&hw_flags=1", NULL, NULL);
}

static const char *hardware_next(const char *p, const char *end, struct message *message) {
    struct frame frame;
    struct delta delta;
    const char *next = fibd_next(p, end, message);
    if (next && message->kind == change && sse_next(p, end, &frame) && parse_delta(&frame, &delta) && !delta.is_flags)
        message->kind = passed;
    return next;
}

// nchan: a POST to the publisher's location, frames of `id` and `data` from the subscriber's.
static size_t nchan_subscribe(char *out) {
    return (size_t)sprintf(out, "GET /sub HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
}

static size_t nchan_publish(char *out, uint64_t first, unsigned count) {
    static char body[1 << 12];
    size_t length = 0;
    for (uint64_t index = first; index < first + count; index++) {
        *write_payload(body, index) = 0;
        length += http_request(out + length, "POST", "/pub", "text/plain", body);
    }
    return length;
}

static const char *nchan_next(const char *p, const char *end, struct message *message) {
    struct frame frame;
    message->kind = *p == 'H' ? ready : other;
    if (*p == 'H') return skip_head(p, end);
    const char *next = sse_next(p, end, &frame);
    if (next && frame.data_length == payload_size) *message = (struct message){change, read_slot(frame.data), 0, 0};
    return next;
}

// Redis: PUBLISH and SUBSCRIBE.
static size_t redis_subscribe(char *out) { return (size_t)sprintf(out, "*2\r\n$9\r\nSUBSCRIBE\r\n$7\r\nchanges\r\n"); }

static size_t redis_publish(char *out, uint64_t first, unsigned count) {
    char *p = out;
    for (uint64_t index = first; index < first + count; index++) {
        p += sprintf(p, "*3\r\n$7\r\nPUBLISH\r\n$7\r\nchanges\r\n$%zu\r\n", payload_size);
        p = write_payload(p, index);
        p += sprintf(p, "\r\n");
    }
    return (size_t)(p - out);
}

static const char *redis_next(const char *p, const char *end, struct message *message) {
    static const char stands[] = "*3\r\n$9\r\nsubscribe\r\n$7\r\nchanges\r\n:1\r\n";
    static size_t head;
    char text[64];
    if (head == 0) head = (size_t)sprintf(text, "*3\r\n$7\r\nmessage\r\n$7\r\nchanges\r\n$%zu\r\n", payload_size);
    message->kind = ready;
    if (end - p < 8) return NULL;
    if (p[5] == '9') return (size_t)(end - p) < sizeof stands - 1 ? NULL : p + sizeof stands - 1;
    if ((size_t)(end - p) < head + payload_size + 2) return NULL;
    *message = (struct message){change, read_slot(p + head), 0, 0};
    return p + head + payload_size + 2;
}

static size_t redis_answer(const char *p, size_t length) {
    const char *end = memchr(p, '\n', length);
    return end ? (size_t)(end + 1 - p) : 0;
}

// etcd over its JSON gateway. Keys and values are base64 there, which letters and digits in groups of four are.
static size_t etcd_subscribe(char *out) {
    return http_request(out, "POST", "/v3/watch", "application/json",
                        "{\"create_request\":{\"key\":\"slot\",\"range_end\":\"slou\"}}");
}

static size_t etcd_publish(char *out, uint64_t first, unsigned count) {
    char body[1 << 12];
    size_t length = 0;
    for (uint64_t index = first; index < first + count; index++) {
        char *p = body + sprintf(body, "{\"key\":\"slot%08u\",\"value\":\"", (unsigned)(index % slots));
        strcpy(write_payload(p, index), "\"}");
        length += http_request(out + length, "POST", "/v3/kv/put", "application/json", body);
    }
    return length;
}

// One line may tell of several changes, so what follows a key is parsed as a message of its own. A watch whose changes
// were compacted away before it had them is cancelled.
static const char *etcd_next(const char *p, const char *end, struct message *message) {
    static const char name[] = "\"key\":\"";
    enum { key_length = 13 };
    const char *line_end = memchr(p, '\n', (size_t)(end - p));
    message->kind = other;
    if (*p == 'H') return skip_head(p, end);
    const char *key = memmem(p, (size_t)((line_end ? line_end : end) - p), name, sizeof name - 1);
    if (key && end - key >= key_length + (long)sizeof name) {
        *message = (struct message){change, read_slot(key + sizeof name - 1), 0, 0};
        return key + sizeof name - 1;
    }
    if (!line_end) return NULL;
    if (memmem(p, (size_t)(line_end - p), "\"created\":true", 14)) message->kind = ready;
    if (memmem(p, (size_t)(line_end - p), "\"canceled\":true", 15)) message->kind = dismissed;
    return line_end + 1;
}

// The first revision is that of an empty store; every change is one more.
static size_t etcd_forget(char *out, uint64_t count) {
    char body[64];
    sprintf(body, "{\"revision\":%ju}", (uintmax_t)count + 1);
    return http_request(out, "POST", "/v3/kv/compaction", "application/json", body);
}

const struct peer *find_peer(const char *name, size_t payload, uint32_t slot_count) {
    static const struct peer peers[] = {
        {"fibd", false, true, fibd_subscribe, fibd_publish, fibd_next, http_answer_of_change, NULL, NULL, NULL},
        {"hardware", false, true, hardware_subscribe, fibd_publish, hardware_next, http_answer_of_change, NULL, NULL, NULL},
        {"nchan", false, false, nchan_subscribe, nchan_publish, nchan_next, http_answer_of_change, NULL, NULL, NULL},
        {"redis", true, false, redis_subscribe, redis_publish, redis_next, redis_answer, NULL, NULL, NULL},
        {"etcd", false, false, etcd_subscribe, etcd_publish, etcd_next, http_answer_of_change, NULL, NULL, etcd_forget},
        {"netlink", true, false, NULL, netlink_publish, netlink_next, netlink_answer, netlink_connect, netlink_read, NULL},
    };
    payload_size = payload;
    slots = slot_count;
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++)
        if (strcmp(peers[i].name, name) == 0) return &peers[i];
    return NULL;
}
