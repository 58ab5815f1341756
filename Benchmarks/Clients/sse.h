// Server-sent events as they come from a socket, parsed where they lie.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One frame. The pointers go into the bytes that were parsed; `event` is "" where the frame names none.
struct frame {
    const char *event;
    size_t event_length;
    const char *data;
    size_t data_length;
};

// Parses the first frame of [p, end) and returns where the next one begins, or NULL as long as it isn't complete.
// Lines that end in CR, of a head or of a chunk, are no part of frames: a stream may be given as it comes.
const char *sse_next(const char *p, const char *end, struct frame *frame);

bool is_event(const struct frame *frame, const char *name);

// What a frame of fibd says of its place in the stream, and of the route that it is about.
struct delta {
    uint64_t seq, prev;  // prev: of deltas only
    bool has_host;       // it is about a route to 10.a.b.c
    uint32_t host;       // a.b.c
    bool is_row;         // a row of a replay, which has no prev
    bool is_flags;       // what hardware makes of the route, which is as it was
};

// False if the frame doesn't have fibd's layout.
bool parse_delta(const struct frame *frame, struct delta *delta);

// The seq of a sync.
uint64_t sync_seq(const struct frame *frame);

// Bytes of one stream that were read but not yet parsed.
struct carry {
    char *bytes;
    size_t length;
};

// Reads once from fd behind what was carried over, into the program's one large buffer. Sets [*begin, *end), and returns
// what recv returned, 0 for the end of the stream, or -1 if there is nothing to read now.
long read_behind(struct carry *carry, int fd, size_t most, const char **begin, const char **end);

// Keeps [p, end) for the next time.
void carry_over(struct carry *carry, const char *p, const char *end);
