// Connections of subscribers: how they begin, are read, read slowly, and are cut.
#pragma once
#include "follower.h"

// What a subscriber selects. `whole`: every change of a transaction.
struct filter {
    const char *name, *query;
    bool whole;
};

enum connection { away, opening, flowing, leaving };

// How fast a subscriber reads.
enum pace { freely, not_at_all, trickling };

struct stream {
    unsigned number, heartbeat;
    const struct filter *filter;
    bool is_slow, is_listener;
    bool has_paused_long;         // on this connection
    bool is_stalled;              // no sync came when it should have
    bool has_arrived;             // it holds what the server holds at the end
    enum connection connection;
    enum pace pace;
    int fd;
    uint64_t due;                 // when it comes back, must be closed by the server, or reads at another pace (nanoseconds)
    uint64_t opened_at, heard_at, synced_at, slow_since;
    struct follower follower;
    struct cursor old;            // of its first sync, kept to come back with much later
    char *carried;                // bytes that were read and are no whole frame yet
    size_t carried_length, carried_room;
};

struct soak {
    const char *address;
    int epoll;
    unsigned heartbeat, listeners, slow;
    double slow_seconds;
    bool is_ending;               // no more cuts, and no one is slow
    uint64_t end_sequence;        // then: where everyone has to arrive
    uint64_t bytes, cuts, violations, highest, arrived;
    uint64_t stalls;
    uint64_t broken_off;          // slow ones, without a word
    double longest_without_sync;  // beyond their heartbeat, of those in sequence
    double longest_to_sync;       // from the request on
    struct counts fast_counts, slow_counts;
};

extern struct soak soak;

void prepare_stream(struct stream *stream, unsigned number);

// A broken rule. It is printed, and the subscriber begins anew.
void break_rule(struct stream *stream, const char *words);

// Connects again, in a way that is drawn, with a cursor that is drawn.
void open_stream(struct stream *stream);

// Leaves: by a reset, by closing, or by shutting down its side and waiting for the server to close the other one.
void cut_stream(struct stream *stream);
void close_abruptly(struct stream *stream);
// After the server has closed it.
void leave(struct stream *stream);

// Reads once, and checks what came (reading.c).
void read_stream(struct stream *stream);

// Slow ones: reads what is due, and changes the pace when it is time.
void keep_pace(struct stream *stream, uint64_t now);

// A random number below that.
uint32_t draw(uint32_t below);

// A moment between these, as now_ns counts.
uint64_t in_seconds(double least, double most);

// Prints a line of JSON (report.c).
void report(const char *event, const struct stream *streams, unsigned subscribers, uint64_t start);
