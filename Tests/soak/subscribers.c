// Many subscribers of one fibd, some of them slow, that leave and come back all the time and believe nothing.
//
//     subscribers HOST:PORT [--subscribers N] [--slow N] [--listeners N] [--cuts PER_SECOND] [--heartbeat SECONDS]
//                 [--slow-seconds S] [--transaction CHANGES] [--interval S]
//
// Every stream is held to the rules of event streams (follower.c). The first N subscribers are those of listeners soak-0,
// soak-1 …, which must be registered. Prints a line of JSON when all subscriptions stand, then each interval, with
// counts since the start. Lines that it reads from its standard input:
//
//     finish SEQ     no more cuts; prints a line once everyone holds what the server holds at SEQ or later, or after 180 s
//     leave          closes all connections in one way or another, and ends
//
// Exit status: 1 if a rule was broken. Each of the first 20 breaches is a line on standard error.
#include "net.h"
#include "streams.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

// In seconds; the server may wait for 30 of them before it replays again.
static const double patience = 45, finish_within = 180;
// How long a round lasts at least: what comes meanwhile is read at once.
static const uint64_t round_ns = 15000000;
enum { opened_at_once = 64 };

static struct stream *streams;
static unsigned subscribers = 100;
static double cuts_per_second, interval = 5;
static uint64_t start, cut_at, finish_at;
static bool stands, leaves, is_reported;

// Never more than a few wait for an answer: a server's queue of connections is short.
static void open_those_due(uint64_t now) {
    unsigned waiting = 0;
    for (unsigned i = 0; i < subscribers; i++) waiting += streams[i].connection == opening;
    for (unsigned i = 0; i < subscribers && waiting < opened_at_once; i++)
        if (streams[i].connection == away && (now >= streams[i].due || soak.is_ending) && !streams[i].has_arrived) {
            open_stream(&streams[i]);
            waiting++;
        }
}

static void cut_those_due(uint64_t now) {
    uint64_t every = cuts_per_second > 0 ? (uint64_t)(1e9 / cuts_per_second) : 0;
    if (!stands || soak.is_ending || every == 0) return;
    for (; cut_at < now; cut_at += every) {
        struct stream *stream = &streams[draw(subscribers)];
        if (stream->connection == flowing && !stream->is_slow) cut_stream(stream);
    }
}

// A promise of time is broken: that is counted, and the stream goes on, since a loaded server needs no further replays.
static void note_stall(struct stream *stream) {
    if (!stream->is_stalled) soak.stalls++;
    stream->is_stalled = true;
}

static void look_after(struct stream *stream, uint64_t now) {
    // Signed, since it may have been opened or read after `now`.
    double silent = (double)(int64_t)(now - stream->heard_at) / 1e9;
    double unsynced = (double)(int64_t)(now - stream->synced_at) / 1e9;
    if (stream->is_slow) keep_pace(stream, now);
    if (stream->connection == leaving && now > stream->due)
        return break_rule(stream, "the server didn't close within 45 s what its subscriber had shut down");
    if (stream->connection == away || stream->connection == leaving || stream->is_slow) return;
    double limit = stream->heartbeat + patience;
    if (silent > limit || (stream->follower.stage == in_sequence && unsynced > limit)) note_stall(stream);
}

static void take_command(void) {
    char line[64];
    ssize_t got = read(STDIN_FILENO, line, sizeof line - 1);
    line[got > 0 ? got : 0] = 0;
    if (strncmp(line, "finish ", 7) != 0) {
        leaves = true;
        return;
    }
    soak.end_sequence = strtoull(line + 7, NULL, 10);
    soak.is_ending = true;
    finish_at = now_ns();
}

// Those of one filter hold the same at the end, when nothing changes any more.
static void compare(void) {
    for (unsigned i = 0; i < subscribers; i++) {
        unsigned first = 0;
        while (streams[first].filter != streams[i].filter) first++;
        const struct held *one = &streams[first].follower.held, *other = &streams[i].follower.held;
        if (one->count != other->count || one->digest != other->digest)
            break_rule(&streams[i], "at the end, it holds something else than others of its filter");
    }
}

static void finish(void) {
    if (!soak.is_ending || is_reported) return;
    if (soak.arrived < subscribers && seconds_since(finish_at) < finish_within) return;
    if (soak.arrived == subscribers) compare();
    is_reported = true;
    report("finished", streams, subscribers, start);
}

static void run_round(void) {
    static struct epoll_event events[4096];
    uint64_t now = now_ns();
    int ready = epoll_wait(soak.epoll, events, 4096, 20);
    for (int i = 0; i < ready; i++) {
        if (events[i].data.ptr) read_stream(events[i].data.ptr);
        else take_command();
    }
    if (!is_reported) open_those_due(now);
    cut_those_due(now);
    for (unsigned i = 0; i < subscribers; i++) look_after(&streams[i], now);
    finish();
    uint64_t took = now_ns() - now;
    if (took < round_ns) nanosleep(&(struct timespec){.tv_nsec = (long)(round_ns - took)}, NULL);
}

static bool all_stand(void) {
    for (unsigned i = 0; i < subscribers; i++)
        if (!streams[i].is_slow && streams[i].follower.stage < in_sequence) return false;
    return true;
}

static void run(void) {
    double reported = 0;
    start = now_ns();
    while (!leaves) {
        run_round();
        if (!stands && all_stand()) {
            stands = true;
            cut_at = now_ns();
            report("standing", streams, subscribers, start);
        } else if (seconds_since(start) - reported >= interval && !is_reported) {
            reported = seconds_since(start);
            report("running", streams, subscribers, start);
        }
    }
    for (unsigned i = 0; i < subscribers; i++) {
        if (streams[i].connection == away) continue;
        if (i % 2) close_abruptly(&streams[i]);
        else close(streams[i].fd);
    }
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"subscribers", 1, 0, 'n'}, {"slow", 1, 0, 's'},        {"listeners", 1, 0, 'l'},    {"cuts", 1, 0, 'c'},
        {"heartbeat", 1, 0, 'h'},   {"transaction", 1, 0, 't'}, {"slow-seconds", 1, 0, 'w'}, {"interval", 1, 0, 'i'}, {0}};
    soak.heartbeat = 15;
    soak.slow_seconds = 60;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'n') subscribers = (unsigned)number(optarg, "--subscribers", 1, 20000);
        else if (c == 's') soak.slow = (unsigned)number(optarg, "--slow", 0, 20000);
        else if (c == 'l') soak.listeners = (unsigned)number(optarg, "--listeners", 0, 1000);
        else if (c == 'c') cuts_per_second = number(optarg, "--cuts", 0, 10000);
        else if (c == 'h') soak.heartbeat = (unsigned)number(optarg, "--heartbeat", 1, 60);
        else if (c == 't') transaction_size = (unsigned)number(optarg, "--transaction", 0, 1000);
        else if (c == 'w') soak.slow_seconds = number(optarg, "--slow-seconds", 0.1, 3600);
        else if (c == 'i') interval = number(optarg, "--interval", 0.1, 3600);
        else return 2;
    }
    errno = 0;
    if (argc - optind != 1) die("usage: subscribers HOST:PORT [options]; its source says which");
    soak.address = argv[optind];
    allow_descriptors(subscribers);
    soak.epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(soak.epoll, STDIN_FILENO, NULL);
    streams = allocate(subscribers * sizeof *streams);
    for (unsigned i = 0; i < subscribers; i++) prepare_stream(&streams[i], i);
    run();
    return soak.violations > 0;
}
