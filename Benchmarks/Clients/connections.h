// The connections of `fanout` and `overload` to the server that they measure: some publish changes, some receive them.
#pragma once
#include "net.h"
#include "peers.h"
#include "sse.h"

#include <sys/epoll.h>

struct connection {
    int fd;
    bool publishes, is_ready;
    unsigned unanswered;  // changes that this publisher has no answer to yet
    uint64_t last;        // of fibd: seq of the last change that this subscriber has read
    struct carry carry;
};

struct publishers {
    const struct peer *peer;
    struct connection *all;
    unsigned count;
};

// `count` of them; one where a connection carries any number of changes at a time.
void open_publishers(struct publishers *publishers, int epoll, const char *address, unsigned count);

// One that may send now, or NULL.
struct connection *free_publisher(const struct publishers *publishers);

// Sends the changes [first, first + count) by a publisher that is free.
void publish(const struct publishers *publishers, struct connection *publisher, uint64_t first, unsigned count);

void read_answers(const struct peer *peer, struct connection *publisher);

// Connects a subscriber, over TCP with a receive buffer of so many bytes, or 0. Its subscription stands when a message says so, or at once where the peer has none that does:
// then it comes back as ready.
void subscribe(const struct peer *peer, struct connection *subscriber, int epoll, const char *address, int buffer);

// Whether a change's place behind the last one shows that one is missing, or that this one came before. Keeps the place.
bool is_out_of_place(struct connection *subscriber, const struct message *message);

// Reads once, at most so many bytes: the end of a stream is 0, nothing to read now -1, and messages_lost that.
long read_messages_of(const struct peer *peer, struct connection *subscriber, size_t most, const char **begin,
                      const char **end);
