// The servers that `fanout` can measure, and how each is spoken to.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A change is known by its slot: that is what a message names, and where its send time is kept.
enum { slots = 1 << 16 };

struct message {
    // ready: the subscription stands; passed: a change of something else, which has its place in the sequence
    enum { other, ready, change, passed, broken } kind;
    uint32_t slot;
    uint64_t seq, prev;  // of fibd; elsewhere 0
};

struct peer {
    const char *name;
    // One publishing connection carries any number of changes at a time; otherwise one request each.
    bool pipelines;
    // A batch is one request with one answer; otherwise one for each change.
    bool batches;
    // Both write a request and return its length.
    size_t (*subscribe)(char *out);
    size_t (*publish)(char *out, uint64_t first, unsigned count);
    // Parses the first message of [p, end); returns where it ends, or NULL as long as it isn't complete.
    const char *(*next)(const char *p, const char *end, struct message *message);
    // The length of the first whole answer to a change, or 0.
    size_t (*answer)(const char *p, size_t length);
};

// fibd, hardware (of fibd), nchan, redis or etcd; NULL for other names. `payload` is how many bytes a message of the others carries.
const struct peer *find_peer(const char *name, size_t payload);
