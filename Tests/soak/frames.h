// Frames of fibd's event streams, parsed where they lie: two million a second on one core.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum format { server_sent_events, ndjson };

// Entries are summed up modulo 2^128, as their hashes are.
typedef unsigned __int128 digest;

// One frame. The pointers go into the bytes that were parsed.
struct frame {
    const char *event, *id, *data;  // id: NULL where the frame has none
    size_t event_length, id_length, data_length;
};

// What a row or a change says of itself.
struct change {
    bool is_row;                       // of a replay; it has no prev
    bool has_hash, has_was;            // there is an entry then, and there was one that it takes the place of
    bool is_catchup;                   // what is different, instead of changes that the log has forgotten
    uint64_t sequence, previous, transaction;  // transaction: 0 if it is part of none
    digest hash, was;
};

struct sync {
    uint64_t sequence, count;
    digest digest;
};

// The texts end with a 0, and are "" where the hello doesn't say that.
struct hello {
    char epoch[20], mode[12], reason[16];
};

// Parses the first frame of [p, end) and returns where the next one begins, or NULL as long as it isn't complete. What
// isn't a frame at all comes without data.
const char *next_frame(enum format format, const char *p, const char *end, struct frame *frame);

bool is_event(const struct frame *frame, const char *name);

// Each is false if the data doesn't have fibd's form.
bool parse_change(const struct frame *frame, struct change *change);
bool parse_sync(const struct frame *frame, struct sync *sync);
bool parse_hello(const struct frame *frame, struct hello *hello);

// The id as `<epoch>-<sequence>-<filter>`, of which epoch and filter have to fit.
bool parse_cursor(const struct frame *frame, char epoch[20], uint64_t *sequence, char filter[8]);

// 32 digits and a 0.
void print_digest(digest value, char out[33]);
