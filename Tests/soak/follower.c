#include "follower.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

unsigned transaction_size;

// In the order of `enum stage`.
static const char *const stages[] = {"before its hello", "among its rows", "in a difference", "among missed changes",
                                     "before its state", "in sequence", "at its end"};

__attribute__((format(printf, 1, 2))) static const char *complaint(const char *format, ...) {
    static char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return text;
}

void begin(struct follower *follower, const char *expected, bool ends_at_sync, const struct cursor *from) {
    follower->expected = expected;
    follower->ends_at_sync = ends_at_sync;
    follower->stage = awaits_hello;
    follower->transaction = follower->parts = 0;
    follower->began_within = false;
    if (from && from != &follower->cursor) follower->cursor = *from;
    if (!from) follower->cursor.exists = false;
    follower->held = follower->cursor.exists ? follower->cursor.held : (struct held){0};
}

static bool is_expected(const char *expected, const struct hello *hello) {
    char found[32];
    int length = snprintf(found, sizeof found, "%s%s%s", hello->mode, hello->reason[0] ? ":" : "", hello->reason);
    for (const char *p = expected;; p++) {
        if (strncmp(p, found, (size_t)length) == 0 && (p[length] == 0 || p[length] == '|')) return true;
        if (!(p = strchr(p, '|'))) return false;
    }
}

// The state is thrown away, and so is the cursor, as an empty id has it.
static void empty(struct follower *follower) {
    follower->held = (struct held){0};
    follower->cursor.exists = false;
    follower->transaction = follower->parts = 0;
    follower->stage = takes_rows;
}

static const char *take_hello(struct follower *follower, const struct frame *frame) {
    struct hello hello;
    if (follower->stage != awaits_hello) return "a second hello";
    if (!parse_hello(frame, &hello))
        return complaint("a hello of another form: %.*s", (int)frame->data_length, frame->data);
    if (!is_expected(follower->expected, &hello))
        return complaint("the hello says %s %s, expected was %s", hello.mode, hello.reason, follower->expected);
    if (follower->epoch[0] && strcmp(follower->epoch, hello.epoch) != 0)
        return complaint("the epoch is %s instead of %s", hello.epoch, follower->epoch);
    strcpy(follower->epoch, hello.epoch);
    bool replays = strcmp(hello.mode, "replay") == 0;
    if (replays != (frame->id && frame->id_length == 0)) return "an empty id goes with a replay, and only there";
    if (replays) {
        empty(follower);
        follower->counts->replays++;
        follower->counts->refusals += hello.reason[0] != 0;
    } else if (strcmp(hello.mode, "resume") == 0) {
        follower->stage = takes_missed;
        follower->began_within = true;
        follower->counts->resumptions++;
    } else {
        follower->stage = awaits_state;
        follower->counts->lives++;
    }
    return NULL;
}

// The id of a change or a sync is the cursor behind it.
static const char *take_cursor(struct follower *follower, const struct frame *frame, uint64_t sequence) {
    struct cursor *cursor = &follower->cursor;
    char filter[8];
    uint64_t at = 0;
    if (!parse_cursor(frame, cursor->epoch, &at, filter) || at != sequence || strcmp(cursor->epoch, follower->epoch) != 0)
        return complaint("the id of %ju is %.*s", (uintmax_t)sequence, (int)frame->id_length, frame->id ? frame->id : "");
    if (cursor->filter[0] && strcmp(cursor->filter, filter) != 0)
        return complaint("the id of %ju has the filter %s instead of %s", (uintmax_t)sequence, filter, cursor->filter);
    strcpy(cursor->filter, filter);
    cursor->held = follower->held;
    cursor->exists = true;
    return NULL;
}

// All changes of a transaction come together. Of one in whose midst the cursor was, the rest comes.
static const char *end_transaction(struct follower *follower) {
    uint64_t parts = follower->parts, transaction = follower->transaction;
    if (parts == 0) return NULL;
    bool is_whole = parts == transaction_size || (follower->began_within && parts < transaction_size);
    follower->transaction = follower->parts = 0;
    follower->began_within = false;
    if (transaction == 0) return NULL;
    follower->counts->transactions++;
    if (is_whole || transaction_size == 0 || !follower->tells_all) return NULL;
    return complaint("transaction %ju has %ju changes of %u", (uintmax_t)transaction, (uintmax_t)parts, transaction_size);
}

static const char *take_part(struct follower *follower, const struct change *change) {
    if (change->transaction != follower->transaction || follower->transaction == 0) {
        const char *wrong = end_transaction(follower);
        if (wrong) return wrong;
        follower->transaction = change->transaction;
    }
    follower->parts++;
    return NULL;
}

static void apply(struct held *held, const struct change *change) {
    if (change->has_was) {
        held->digest -= change->was;
        held->count--;
    }
    if (change->has_hash) {
        held->digest += change->hash;
        held->count++;
    }
}

static const char *take_row(struct follower *follower, const struct frame *frame, const struct change *row) {
    if (follower->stage != takes_rows) return complaint("a row of a replay %s", stages[follower->stage]);
    if (frame->id || row->has_was || row->is_catchup) return "a row of a replay with an id, a was or catchup";
    follower->counts->rows++;
    apply(&follower->held, row);
    return NULL;
}

static const char *take_catchup(struct follower *follower, const struct frame *frame, const struct change *change) {
    if (follower->stage != takes_rows && follower->stage != takes_difference)
        return complaint("a difference %s", stages[follower->stage]);
    if (frame->id) return "a difference with an id";
    follower->stage = takes_difference;
    follower->counts->catchups++;
    apply(&follower->held, change);
    return NULL;
}

static const char *take_change(struct follower *follower, const struct frame *frame) {
    struct change change;
    if (!parse_change(frame, &change))
        return complaint("a frame of another form: %.*s", (int)frame->data_length, frame->data);
    if (change.is_row) return take_row(follower, frame, &change);
    if (change.is_catchup) return take_catchup(follower, frame, &change);
    uintmax_t sequence = change.sequence, here = follower->held.position;
    if (follower->stage != takes_missed && follower->stage != in_sequence)
        return complaint("change %ju came %s", sequence, stages[follower->stage]);
    if (change.previous > here)
        return complaint("AN UNANNOUNCED LOSS: change %ju follows %ju, and the last that came is %ju", sequence,
                         (uintmax_t)change.previous, here);
    if (sequence <= here) return complaint("change %ju came after %ju", sequence, here);
    const char *wrong = take_part(follower, &change);
    follower->held.position = sequence;
    follower->counts->changes++;
    apply(&follower->held, &change);
    return wrong ? wrong : take_cursor(follower, frame, sequence);
}

static const char *take_sync(struct follower *follower, const struct frame *frame) {
    struct sync sync;
    struct held *held = &follower->held;
    char here[33], there[33];
    if (!parse_sync(frame, &sync))
        return complaint("a sync of another form: %.*s", (int)frame->data_length, frame->data);
    const char *wrong = end_transaction(follower);
    if (wrong) return wrong;
    if (sync.sequence < held->position)
        return complaint("a sync at %ju after change %ju", (uintmax_t)sync.sequence, (uintmax_t)held->position);
    if (follower->stage == awaits_state) *held = (struct held){.count = sync.count, .digest = sync.digest};
    if (sync.count != held->count)
        return complaint("A SILENT LOSS: at %ju the server counts %ju entries, %ju came", (uintmax_t)sync.sequence,
                         (uintmax_t)sync.count, (uintmax_t)held->count);
    print_digest(sync.digest, there), print_digest(held->digest, here);
    if (sync.digest != held->digest)
        return complaint("A SILENT LOSS: at %ju the digest is %s, of what came it is %s", (uintmax_t)sync.sequence, there,
                         here);
    held->position = sync.sequence;
    follower->stage = follower->ends_at_sync ? has_ended : in_sequence;
    follower->counts->syncs++;
    return take_cursor(follower, frame, sync.sequence);
}

// Whatever was held is void, and a replay follows.
static const char *take_reset(struct follower *follower, const struct frame *frame) {
    if (!frame->id || frame->id_length != 0) return "a reset without an empty id";
    empty(follower);
    follower->counts->resets++;
    return NULL;
}

static const char *take_end(struct follower *follower, const struct frame *frame) {
    const char *reason = memmem(frame->data, frame->data_length, "\"reason\":\"", 10);
    const char *stop = reason ? memchr(reason + 10, '"', (size_t)(frame->data + frame->data_length - reason - 10)) : NULL;
    snprintf(follower->why, sizeof follower->why, "%.*s", stop ? (int)(stop - reason - 10) : 0, stop ? reason + 10 : "");
    follower->stage = has_ended;
    follower->counts->errors++;
    return NULL;
}

const char *follow(struct follower *follower, const struct frame *frame) {
    follower->counts->frames++;
    if (!frame->data) return complaint("what is no frame: event '%.*s'", (int)frame->event_length, frame->event);
    if (follower->stage == has_ended)
        return complaint("%.*s behind the end of the stream", (int)frame->event_length, frame->event);
    if (is_event(frame, "error") || is_event(frame, "drain")) return take_end(follower, frame);
    if (is_event(frame, "hello")) return take_hello(follower, frame);
    if (follower->stage == awaits_hello)
        return complaint("the first frame is %.*s, not hello", (int)frame->event_length, frame->event);
    if (is_event(frame, "sync")) return take_sync(follower, frame);
    if (is_event(frame, "reset")) return take_reset(follower, frame);
    if (is_event(frame, "notice")) return frame->id ? "a notice with an id" : NULL;
    return take_change(follower, frame);
}

const char *end_of_stream(struct follower *follower) {
    if (follower->stage == has_ended) return NULL;
    return complaint("the stream ended without a word, %s, behind %ju", stages[follower->stage],
                     (uintmax_t)follower->held.position);
}
