// Follows event streams of fibd, counts what comes and checks that nothing is missing.
//
//     sse-client HOST:PORT PATH [--connections N] [--seconds S] [--pace FRAMES] [--drain]
//
// Reads until all streams have ended (as with ?until=sync), or for S seconds. --pace: at most so many frames a second,
// all connections together: a slow reader. --drain: only counts bytes, for servers that send no frames of fibd.
//
// Prints one line of JSON: rows (of replays), deltas, flags (the deltas among them that tell what hardware makes of a route)
// and how many seconds lie between the first and the last of these, gaps (deltas whose `prev` says that one is missing, and
// syncs or deltas that go backwards), syncs, resets, errors, bytes, streams that ended, seconds until the end, streams that
// were in sync then, and how long a stream took to its first sync.
#include "histogram.h"
#include "http.h"
#include "net.h"
#include "sse.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

struct stream {
    int fd;
    bool has_head, is_synced, was_synced_once;
    uint64_t last;  // seq of the last delta or sync
    struct carry carry;
};

static struct {
    uint64_t frames, rows, deltas, flags, gaps, syncs, resets, errors, bytes;
    size_t open, synced;
} counts;
static struct histogram until_sync;
static uint64_t start, first_flags, last_flags;
static double pace;
static bool drain;

static void take_sync(struct stream *stream, const struct frame *frame) {
    uint64_t seq = sync_seq(frame);
    counts.syncs++;
    if (stream->is_synced && seq < stream->last) counts.gaps++;
    stream->last = seq;
    if (!stream->is_synced) counts.synced++;
    stream->is_synced = true;
    if (!stream->was_synced_once) histogram_add(&until_sync, now_ns() - start);
    stream->was_synced_once = true;
}

// Before its sync, a replay may be followed by the difference to a later state; that is no sequence to check.
static void take_delta(struct stream *stream, const struct frame *frame) {
    struct delta delta;
    if (!parse_delta(frame, &delta)) {
        counts.errors++;
    } else if (delta.is_row) {
        counts.rows++;
    } else {
        counts.deltas++;
        counts.flags += delta.is_flags;
        if (stream->is_synced && (delta.prev > stream->last || delta.seq <= stream->last)) counts.gaps++;
        stream->last = delta.seq;
    }
}

static void take(struct stream *stream, const struct frame *frame) {
    counts.frames++;
    if (is_event(frame, "sync")) {
        take_sync(stream, frame);
    } else if (is_event(frame, "reset")) {
        counts.resets++;
        if (stream->is_synced) counts.synced--;
        stream->is_synced = false;
    } else if (is_event(frame, "error")) {
        counts.errors++;
        fprintf(stderr, "sse-client: error event: %.*s\n", (int)frame->data_length, frame->data);
    } else if (frame->data_length > 0 && !is_event(frame, "hello") && !is_event(frame, "drain")) {
        take_delta(stream, frame);
    }
}

static void end_stream(struct stream *stream) {
    close(stream->fd);
    counts.open--;
}

static void read_stream(struct stream *stream) {
    const char *p, *end, *next;
    long got = read_behind(&stream->carry, stream->fd, pace > 0 ? 16384 : SIZE_MAX, &p, &end);
    if (got < 0) return;
    if (got == 0) return end_stream(stream);
    counts.bytes += (uint64_t)got;
    if (drain) return;
    if (!stream->has_head) {
        size_t head = http_head(p, (size_t)(end - p));
        errno = 0;
        if (head > 0 && strncmp(p, "HTTP/1.1 200", 12) != 0) die("not a stream: %.*s", (int)(end - p), p);
        stream->has_head = head > 0;
        p += head;
    }
    struct frame frame;
    uint64_t flags = counts.flags;
    while (stream->has_head && (next = sse_next(p, end, &frame))) {
        take(stream, &frame);
        p = next;
    }
    if (counts.flags > flags) last_flags = now_ns();
    if (first_flags == 0) first_flags = last_flags;
    carry_over(&stream->carry, p, end);
}

// Sleeps until reading on would not exceed the pace.
static void keep_pace(void) {
    if (pace <= 0) return;
    double ahead = (double)counts.frames / pace - seconds_since(start);
    struct timespec nap = {.tv_sec = (time_t)ahead, .tv_nsec = (long)((ahead - (double)(time_t)ahead) * 1e9)};
    if (ahead > 0) nanosleep(&nap, NULL);
}

static void open_streams(int epoll, const char *address, const char *path, size_t connections) {
    struct stream *streams = allocate(connections * sizeof *streams);
    char request[1024];
    errno = 0;
    if (strlen(path) > 800) die("the path is too long");
    size_t length =
        (size_t)sprintf(request, "GET %s HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n", path);
    for (size_t i = 0; i < connections; i++) {
        streams[i].fd = connect_to(address);
        send_all(streams[i].fd, request, length);
        watch(epoll, streams[i].fd, &streams[i]);
    }
    counts.open = connections;
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"connections", 1, 0, 'c'}, {"seconds", 1, 0, 's'}, {"pace", 1, 0, 'p'},
                                            {"drain", 0, 0, 'd'},       {0}};
    size_t connections = 1;
    double seconds = 600;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'c') connections = (size_t)number(optarg, "--connections", 1, 50000);
        else if (c == 's') seconds = number(optarg, "--seconds", 0, 3600);
        else if (c == 'p') pace = number(optarg, "--pace", 1, 1e9);
        else if (c == 'd') drain = true;
        else return 2;
    }
    errno = 0;
    if (argc - optind != 2) die("usage: sse-client HOST:PORT PATH [options]; its source says which");
    allow_descriptors(connections);

    int epoll = epoll_create1(EPOLL_CLOEXEC);
    start = now_ns();
    open_streams(epoll, argv[optind], argv[optind + 1], connections);
    struct epoll_event events[256];
    while (counts.open > 0 && seconds_since(start) < seconds) {
        int ready = epoll_wait(epoll, events, 256, 20);
        for (int i = 0; i < ready; i++) read_stream(events[i].data.ptr);
        keep_pace();
    }
    printf("{\"connections\":%zu,\"ended\":%zu,\"seconds\":%.6f,\"rows\":%ju,\"deltas\":%ju,\"flags\":%ju,"
           "\"flags_seconds\":%.6f,\"gaps\":%ju,\"syncs\":%ju,\"resets\":%ju,\"errors\":%ju,\"bytes\":%ju,\"synced\":%zu,\"sync\":{",
           connections, connections - counts.open, seconds_since(start), (uintmax_t)counts.rows,
           (uintmax_t)counts.deltas, (uintmax_t)counts.flags, (double)(last_flags - first_flags) / 1e9,
           (uintmax_t)counts.gaps, (uintmax_t)counts.syncs, (uintmax_t)counts.resets, (uintmax_t)counts.errors,
           (uintmax_t)counts.bytes, counts.synced);
    histogram_print(&until_sync, "");
    puts("}}");
    return 0;
}
