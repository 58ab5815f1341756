// What streams tell, as far as their subscribers read it.
#include "http.h"
#include "net.h"
#include "streams.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { trickle_bytes = 4096, carried_at_most = 1 << 20, read_at_once = 1 << 18 };
static const uint64_t second = 1000000000, paused_long = 25000000000;
static char buffer[carried_at_most + read_at_once];

// Reads once behind what was carried over; as recv returns it, but -1 only for nothing yet, and 0 for every end.
static long read_behind(struct stream *stream, const char **begin, const char **end) {
    size_t carried = stream->carried_length, most = stream->pace == trickling ? trickle_bytes : read_at_once;
    if (carried > 0) memcpy(buffer, stream->carried, carried);
    ssize_t got = recv(stream->fd, buffer + carried, most, MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EINTR ? -1 : 0;
    *begin = buffer;
    *end = buffer + carried + got;
    return got;
}

// Keeps [p, end) for the next time.
static void carry(struct stream *stream, const char *p, const char *end) {
    size_t length = (size_t)(end - p);
    if (length > carried_at_most) return break_rule(stream, "a frame of more than a megabyte");
    if (length > stream->carried_room) {
        stream->carried_room = length < 4096 ? 4096 : 2 * length;
        errno = ENOMEM;
        if (!(stream->carried = realloc(stream->carried, stream->carried_room))) die("no room for a frame");
    }
    if (length > 0) memcpy(stream->carried, p, length);
    stream->carried_length = length;
}

static void note_sync(struct stream *stream, uint64_t now, bool was_in_sequence) {
    double since = (double)(now - stream->synced_at) / 1e9;
    const struct held *held = &stream->follower.held;
    double beginning = (double)(now - stream->opened_at) / 1e9;
    if (was_in_sequence && !stream->is_slow && since - stream->heartbeat > soak.longest_without_sync)
        soak.longest_without_sync = since - stream->heartbeat;
    if (!was_in_sequence && !stream->is_slow && beginning > soak.longest_to_sync) soak.longest_to_sync = beginning;
    stream->synced_at = now;
    stream->is_stalled = false;
    if (!stream->old.exists) stream->old = stream->follower.cursor;
    if (soak.is_ending && !stream->has_arrived && held->position >= soak.end_sequence) {
        stream->has_arrived = true;
        soak.arrived++;
    }
}

// Takes all whole frames; NULL if one of them broke a rule.
static const char *take_frames(struct stream *stream, const char *p, const char *end, uint64_t now) {
    struct follower *follower = &stream->follower;
    struct frame frame;
    for (const char *next; p < end && (next = next_frame(follower->format, p, end, &frame)); p = next) {
        bool was_in_sequence = follower->stage == in_sequence;
        uint64_t syncs = follower->counts->syncs;
        const char *wrong = follow(follower, &frame);
        if (wrong) return break_rule(stream, wrong), NULL;
        if (follower->counts->syncs > syncs) note_sync(stream, now, was_in_sequence);
    }
    if (follower->held.position > soak.highest) soak.highest = follower->held.position;
    return p;
}

static const char *take_head(struct stream *stream, const char *p, const char *end) {
    char words[200];
    size_t head = http_head(p, (size_t)(end - p));
    if (head == 0) return p;
    stream->connection = flowing;
    if (strncmp(p, "HTTP/1.1 200", 12) == 0) return p + head;
    snprintf(words, sizeof words, "not a stream: %.*s", (int)strcspn(p, "\r"), p);
    return break_rule(stream, words), NULL;
}

// The server asks its system to give up a client that takes nothing for 30 s, and the system can't say so. The client may
// have read on since: what had come before.
static bool may_be_given_up(const struct stream *stream) {
    bool pauses = stream->pace != freely && now_ns() - stream->slow_since > paused_long;
    return stream->is_slow && (pauses || stream->has_paused_long);
}

// By the server, or by the network.
static void take_end(struct stream *stream) {
    if (stream->connection == flowing && stream->follower.stage != has_ended && may_be_given_up(stream)) {
        soak.broken_off++;
        return leave(stream);
    }
    const char *wrong = stream->connection == leaving ? NULL : end_of_stream(&stream->follower);
    if (wrong) return break_rule(stream, wrong);
    leave(stream);
}

void read_stream(struct stream *stream) {
    const char *p, *end;
    if (stream->connection == away) return;
    long got = read_behind(stream, &p, &end);
    if (got < 0) return;
    if (got == 0) return take_end(stream);
    soak.bytes += (uint64_t)got;
    if (stream->connection == leaving) {
        stream->carried_length = 0;
        return;
    }
    uint64_t now = stream->heard_at = now_ns();
    if (stream->connection == opening && !(p = take_head(stream, p, end))) return;
    if (stream->connection == flowing && !(p = take_frames(stream, p, end, now))) return;
    carry(stream, p, end);
}

static void change_pace(struct stream *stream, enum pace pace) {
    struct epoll_event event = {.events = pace == freely ? EPOLLIN : 0, .data.ptr = stream};
    stream->pace = pace;
    epoll_ctl(soak.epoll, EPOLL_CTL_MOD, stream->fd, &event);
}

// Most read freely until they are in sequence, then a few kB/s or nothing for a while, and then have to be told what they
// missed. One in five reads always slowly, so that the log may forget what changes during its replay.
static bool reads_always_slowly(const struct stream *stream) { return stream->number % 5 == 4; }

static void slow_down(struct stream *stream) {
    stream->slow_since = now_ns();
    change_pace(stream, reads_always_slowly(stream) || stream->number % 2 ? trickling : not_at_all);
    stream->due = reads_always_slowly(stream) ? UINT64_MAX : in_seconds(soak.slow_seconds / 2, soak.slow_seconds * 3 / 2);
}

void keep_pace(struct stream *stream, uint64_t now) {
    uint64_t pause = reads_always_slowly(stream) ? second / 16 : second;
    bool is_due = stream->pace == trickling && now >= stream->heard_at + pause;
    if (stream->connection == flowing && is_due) read_stream(stream);
    if (stream->connection != flowing) return;
    if (stream->pace != freely && (now >= stream->due || soak.is_ending)) {
        stream->has_paused_long = stream->has_paused_long || now - stream->slow_since > paused_long;
        change_pace(stream, freely);
        stream->synced_at = 0;
    } else if (stream->pace == freely && !soak.is_ending) {
        bool is_in_sequence = stream->follower.stage == in_sequence && stream->synced_at > 0;
        if (is_in_sequence || reads_always_slowly(stream)) slow_down(stream);
    }
}
