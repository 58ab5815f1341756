// The rules of one event stream, and what its subscriber holds. Not bound to a connection: it goes on with the next one.
#pragma once
#include "frames.h"

// The state of which count and digest are those of all entries held, and the number of the last change in it.
struct held {
    uint64_t position, count;
    digest digest;
};

// Where one may go on later.
struct cursor {
    bool exists;
    char epoch[20], filter[8];
    struct held held;
};

enum stage {
    awaits_hello,
    takes_rows,        // of a replay
    takes_difference,  // instead of changes that the log forgot during the replay
    takes_missed,      // changes since the cursor
    awaits_state,      // replay=none: the first sync says what there is
    in_sequence,
    has_ended,
};

struct counts {
    uint64_t frames, rows, changes, catchups, syncs, resets, errors, transactions;
    uint64_t replays, resumptions, lives, refusals;  // how streams began; refusals: replays, as the cursor wasn't accepted
};

struct follower {
    enum format format;
    bool ends_at_sync;            // it asked for until=sync
    bool tells_all;               // its filter selects every change of a transaction, of which each has `transaction_size`
    const char *expected;         // how the hello has to be: "mode" or "mode:reason", alternatives with | between
    enum stage stage;
    struct held held;
    struct cursor cursor;
    uint64_t transaction, parts;  // the one that the last change was part of, and how many of it came
    bool began_within;            // the cursor may have been in its midst
    char epoch[20], why[24];      // why: of an error, what its reason is
    struct counts *counts;
};

extern unsigned transaction_size;  // 0: not known

// A new connection. `from`: the cursor that was sent and what was held there; NULL for none.
void begin(struct follower *follower, const char *expected, bool ends_at_sync, const struct cursor *from);

// Takes the next frame. NULL, or in words which rule it breaks.
const char *follow(struct follower *follower, const struct frame *frame);

// The connection has ended without our doing. NULL, or what is wrong with that.
const char *end_of_stream(struct follower *follower);
