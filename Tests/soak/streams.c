#include "streams.h"

#include "net.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { printed_at_most = 20 };

struct soak soak;

// In twenty parts. What most ask for is everything, which is also what loads the server most.
static const struct filter filters[] = {
    {"all", "", true},
    {"route", "&kinds=route", true},
    {"hw_flags=0", "&hw_flags=0", true},
    {"best", "&view=best", true},
    {"inet", "&family=inet", false},
    {"inet6", "&family=inet6", false},
    {"within/10", "&within=10.0.0.0/10", false},
    {"within/14", "&within=10.16.0.0/14", false},
};
static const unsigned char parts[20] = {0, 1, 0, 2, 4, 0, 6, 1, 0, 3, 0, 2, 5, 0, 7, 1, 0, 4, 6, 0};

// xorshift: the same run of the program draws the same.
uint32_t draw(uint32_t below) {
    static uint64_t x = 88172645463325252;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (uint32_t)((x >> 32) * below >> 32);
}

uint64_t in_seconds(double least, double most) {
    return now_ns() + (uint64_t)((least + (most - least) * draw(1000) / 1000) * 1e9);
}

// The first ones are listeners, the next ones slow; both of these see everything.
void prepare_stream(struct stream *stream, unsigned number) {
    *stream = (struct stream){.number = number, .fd = -1, .heartbeat = 1 + number % soak.heartbeat};
    stream->is_listener = number < soak.listeners;
    stream->is_slow = !stream->is_listener && number < soak.listeners + soak.slow;
    bool sees_all = stream->is_listener || stream->is_slow;
    stream->filter = &filters[sees_all ? 0 : parts[number % 20]];
    stream->follower.format = (number + number / 20) % 3 == 0 ? ndjson : server_sent_events;
    stream->follower.tells_all = stream->filter->whole;
    stream->follower.counts = stream->is_slow ? &soak.slow_counts : &soak.fast_counts;
}

void break_rule(struct stream *stream, const char *words) {
    if (soak.violations++ < printed_at_most)
        fprintf(stderr, "subscriber %u (%s, %s%s): %s\n", stream->number, stream->filter->name,
                stream->follower.format == ndjson ? "NDJSON" : "SSE", stream->is_slow ? ", slow" : "", words);
    if (stream->connection != away) close_abruptly(stream);
    stream->follower.cursor.exists = stream->old.exists = false;
}

void leave(struct stream *stream) {
    close(stream->fd);
    stream->fd = -1;
    stream->carried_length = 0;
    stream->connection = away;
    // One in ten stays away for long, so that its cursor ages.
    stream->due = in_seconds(0, draw(10) == 0 && !soak.is_ending ? 20 : 2);
}

void close_abruptly(struct stream *stream) {
    struct linger at_once = {.l_onoff = 1};
    setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    leave(stream);
}

void cut_stream(struct stream *stream) {
    soak.cuts++;
    uint32_t way = draw(4);
    if (way < 2) return close_abruptly(stream);
    if (way < 3) return leave(stream);
    shutdown(stream->fd, SHUT_WR);
    stream->connection = leaving;
    stream->due = in_seconds(45, 45);
}

// What the next connection asks for. The cursor is what is sent, `from` the state that goes with it.
struct beginning {
    const char *expected, *query;
    char cursor[64];
    const struct cursor *from;
};

static void draw_beginning(struct stream *stream, struct beginning *beginning) {
    const struct cursor *mine = &stream->follower.cursor;
    uint32_t lot = draw(100);
    uintmax_t position = mine->held.position;
    *beginning = (struct beginning){.expected = "replay", .query = ""};
    if (!mine->exists) return;
    if (lot < 70 || soak.is_ending || stream->is_slow) {
        beginning->from = lot < 10 && stream->old.exists && !soak.is_ending ? &stream->old : mine;
        beginning->expected = "resume|replay:too-old";
        sprintf(beginning->cursor, "%s-%ju-%s", beginning->from->epoch, (uintmax_t)beginning->from->held.position,
                beginning->from->filter);
    } else if (lot < 75) {
        beginning->expected = "replay:epoch";
        sprintf(beginning->cursor, "0123456789abcdef-%ju-%s", position, mine->filter);
    } else if (lot < 80) {
        beginning->expected = "replay:filter";
        sprintf(beginning->cursor, "%s-%ju-abcdef", mine->epoch, position);
    } else if (lot < 82) {
        beginning->expected = "replay:future";
        sprintf(beginning->cursor, "%s-%ju-%s", mine->epoch, position + 1000000000, mine->filter);
    } else if (lot < 84) {
        beginning->expected = "replay:malformed";
        strcpy(beginning->cursor, "-1-0");
    } else if (lot < 88 && !stream->is_listener) {
        beginning->query = "&until=sync";
    } else if (lot < 92 && !stream->is_listener) {
        beginning->expected = "live";
        beginning->query = "&replay=none";
    }
}

static void send_request(const struct stream *stream, const struct beginning *beginning) {
    char request[512], place[64] = "/v1/events";
    bool has_cursor = beginning->cursor[0] != 0;
    if (stream->is_listener) sprintf(place, "/v1/listeners/soak-%u/events", stream->number);
    int length = sprintf(request, "GET %s?heartbeat=%u%s%s HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\n%s%s%s\r\n", place,
                         stream->heartbeat, stream->is_listener ? "" : stream->filter->query, beginning->query,
                         stream->follower.format == ndjson ? "application/x-ndjson" : "text/event-stream",
                         has_cursor ? "Last-Event-ID: " : "", beginning->cursor, has_cursor ? "\r\n" : "");
    send_all(stream->fd, request, (size_t)length);
}

void open_stream(struct stream *stream) {
    struct beginning beginning;
    int small = 65536;
    draw_beginning(stream, &beginning);
    stream->fd = connect_to(soak.address);
    if (stream->is_slow) setsockopt(stream->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    begin(&stream->follower, beginning.expected, strstr(beginning.query, "until=") != NULL, beginning.from);
    if (beginning.from == &stream->old) stream->old.exists = false;
    send_request(stream, &beginning);
    watch(soak.epoll, stream->fd, stream);
    stream->connection = opening;
    stream->pace = freely;
    stream->slow_since = 0;
    stream->has_paused_long = stream->is_stalled = false;
    stream->opened_at = stream->heard_at = stream->synced_at = now_ns();
    stream->due = 0;
}
