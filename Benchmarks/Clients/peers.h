// The servers that `fanout` can measure, and how each is spoken to.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A change is known by its slot: that is what a message names, and where its send time is kept. Changes go through all
// slots in turn, so that no two that are under way have the same.
enum { most_slots = 1 << 18, messages_lost = -2 };

struct message {
    // ready: the subscription stands; row: of a state that is sent anew; passed: a change of something else, which has its
    // place in the sequence; told: what comes next isn't what came last; dismissed: told, and nothing comes any more
    enum { other, ready, change, row, passed, told, dismissed, broken } kind;
    uint32_t slot;
    uint64_t seq, prev;  // of fibd; elsewhere 0
};

struct peer {
    const char *name;
    // One publishing connection carries any number of changes at a time; otherwise one request each.
    bool pipelines;
    // A batch is one request with one answer; otherwise one for each change.
    bool batches;
    // Both write a request and return its length. `subscribe` is NULL where a subscription stands once it is connected.
    size_t (*subscribe)(char *out);
    size_t (*publish)(char *out, uint64_t first, unsigned count);
    // Parses the first message of [p, end); returns where it ends, or NULL as long as it isn't complete.
    const char *(*next)(const char *p, const char *end, struct message *message);
    // The length of the first whole answer to a change, or 0.
    size_t (*answer)(const char *p, size_t length);
    // Both NULL where it is TCP. `read` reads whole messages, and returns what read_behind does; or messages_lost where
    // the system says so.
    int (*connect)(const char *address, bool publishes);
    long (*read)(int fd, const char **begin, const char **end);
    // NULL where nothing does it: writes a request to forget all changes up to here, of a server that had none before.
    size_t (*forget)(char *out, uint64_t count);
};

// fibd, hardware (of fibd), nchan, redis, etcd or netlink; NULL for other names. `payload` is how many bytes a message of
// nchan, Redis and etcd carries; slots: at most most_slots.
const struct peer *find_peer(const char *name, size_t payload, uint32_t slots);

// In a file of its own, as it speaks to the kernel. The address is the name of a device.
size_t netlink_publish(char *out, uint64_t first, unsigned count);
const char *netlink_next(const char *p, const char *end, struct message *message);
size_t netlink_answer(const char *p, size_t length);
int netlink_connect(const char *address, bool publishes);
long netlink_read(int fd, const char **begin, const char **end);

// What this run's changes set, 0…65535, other than what an earlier run has left there.
unsigned gateway_of_run(void);
// How many slots there are.
extern uint32_t slots;
