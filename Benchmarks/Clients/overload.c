// What one slow subscriber misses of changes that come faster than it reads, and whether it is told; and what it costs
// others. Publisher, quick subscribers and the slow one are one program.
//
//     overload ADDRESS [--peer fibd|nchan|redis|etcd|netlink] [--quick N] [--slow 0|1] [--part P] [--changes C]
//              [--seconds S] [--outstanding K] [--payload BYTES] [--forget]
//
// The slow one's socket takes in little (64 kB), so that what is kept for it is kept by the server. Netlink's is the one
// place where anything is kept, and has 8 MB.
//
// A closed loop of the quick ones, as in `fanout`: the next change goes out when all of them have one of the last K. The
// slow one reads one change in P meanwhile. It ends after C changes or S seconds; with --forget the server is then told to
// forget all of them (etcd: compaction). Then the slow one reads all that there is, until it has a change that was made
// after that, or its connection ends, or nothing has come for 10 s.
//
// Prints one line of JSON: changes, changes_per_s, percentiles of the time until all quick ones have a change, and their
// missing and gaps. Of the slow one: lost (changes it didn't get as such), replayed (of these, routes that came with a
// state sent anew), untold (lost without a word between what came before and what came behind), told (how often it was
// told), dismissed (its connection or subscription was ended), gaps (as in `fanout`, where it wasn't told), left_s.
#include "connections.h"
#include "histogram.h"
#include "losses.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct peer *peer;
static struct publishers publishers;
static unsigned quick = 10, slow_count = 1, part = 10, outstanding = 16, ready_count;
static uint64_t sent, completed, missing, gaps, start;
static uint64_t sent_at[most_slots];
static unsigned remaining[most_slots];
static struct histogram all;

static struct connection slow;
static struct losses losses = {.era = 1};
static bool is_dismissed;
static uint64_t slow_read, slow_gaps, last_of_slow, newest_of_slow;

static void take_quick(struct connection *subscriber, const struct message *message, uint64_t now) {
    errno = 0;
    if (message->kind == told || message->kind == dismissed || message->kind == broken)
        die("a quick subscriber was told that it is too slow");
    if (message->kind == ready && !subscriber->is_ready) ready_count++;
    if (message->kind == ready) subscriber->is_ready = true;
    if (message->kind == change || message->kind == passed) gaps += is_out_of_place(subscriber, message);
    if (message->kind != change || remaining[message->slot] == 0 || --remaining[message->slot] > 0) return;
    histogram_add(&all, now - sent_at[message->slot]);
    completed++;
}

static void tell_slow(void) {
    losses.era++;
    slow.last = 0;
}

static void take_slow(struct message *message) {
    errno = 0;
    // A state that is sent anew also brings what has changed meanwhile, in no order, before it is complete.
    if (message->kind == change && !slow.is_ready) message->kind = row;
    if (message->kind == broken) die("the slow stream ended in an error or can't be understood");
    // A state that is sent anew ends as one does when a subscription begins, with `ready`.
    if (message->kind == ready && !slow.is_ready) ready_count++;
    if (message->kind == ready) slow.is_ready = true;
    if (message->kind == dismissed) is_dismissed = true;
    if (message->kind == told) slow.is_ready = false;
    if (message->kind == told || message->kind == dismissed) tell_slow();
    if (message->kind == change || message->kind == passed) slow_gaps += is_out_of_place(&slow, message);
    if (message->kind == change || message->kind == row) slow_read++;
    if (message->kind == row) losses.has_row[message->slot] = true;
    if (message->kind != change) return;
    losses.read_in[message->slot] = losses.era;
    newest_of_slow = message->slot;
}

// Whether there was something, if only news of losses.
static bool read_slow(size_t most) {
    const char *p, *end, *next;
    struct message message;
    long got = is_dismissed ? -1 : read_messages_of(peer, &slow, most, &p, &end);
    if (got == -1) return false;
    last_of_slow = now_ns();
    if (got <= 0) tell_slow();
    is_dismissed |= got == 0;
    if (got <= 0) return true;
    for (; p < end && (next = peer->next(p, end, &message)); p = next) take_slow(&message);
    carry_over(&slow.carry, p, end);
    return true;
}

static void read_quick(struct connection *subscriber) {
    const char *p, *end, *next;
    struct message message;
    long got = read_messages_of(peer, subscriber, SIZE_MAX, &p, &end);
    if (got == -1) return;
    errno = 0;
    if (got <= 0) die("%s %s", peer->name, got == 0 ? "closed a quick subscription" : "lost messages of a quick one");
    uint64_t now = now_ns();
    for (; p < end && (next = peer->next(p, end, &message)); p = next) take_quick(subscriber, &message, now);
    carry_over(&subscriber->carry, p, end);
}

// The slow one isn't among those that are watched: it reads when it may.
static void read_what_is_there(int epoll, int milliseconds) {
    struct epoll_event events[64];
    int count = epoll_wait(epoll, events, 64, milliseconds);
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (connection->publishes) read_answers(peer, connection);
        else if (connection == &slow) read_slow(SIZE_MAX);
        else read_quick(connection);
    }
}

static void subscribe_all(int epoll, const char *address) {
    struct connection *connections = allocate(quick * sizeof *connections);
    for (unsigned i = 0; i < quick; i++) {
        subscribe(peer, &connections[i], epoll, address, 0);
        ready_count += connections[i].is_ready;
    }
    if (slow_count > 0) {
        subscribe(peer, &slow, epoll, address, 1 << 16);
        ready_count += slow.is_ready;
    }
    for (uint64_t begin = now_ns(); ready_count < quick + slow_count; errno = 0) {
        read_what_is_there(epoll, 20);
        if (seconds_since(begin) > 30) die("only %u of %u subscriptions stand after 30 s", ready_count, quick + slow_count);
    }
    if (slow_count > 0 && epoll_ctl(epoll, EPOLL_CTL_DEL, slow.fd, NULL) != 0) die("epoll_ctl");
}

static bool publish_one(void) {
    struct connection *publisher = sent < most_slots ? free_publisher(&publishers) : NULL;
    if (!publisher) return false;
    sent_at[sent] = now_ns();
    losses.sent_in[sent] = losses.era;
    remaining[sent] = quick;
    publish(&publishers, publisher, sent++, 1);
    return true;
}

static void put_load(int epoll, uint64_t changes, double seconds) {
    start = now_ns();
    while (sent < changes && seconds_since(start) < seconds) {
        while (sent < changes && sent - completed < outstanding && publish_one()) {
        }
        read_what_is_there(epoll, 20);
        while (slow_count > 0 && slow_read * part < sent && read_slow(1 << 12)) {
        }
    }
    while (completed < sent && seconds_since(start) < seconds + 3) read_what_is_there(epoll, 20);
    missing = sent - completed;
}

static void forget(int epoll) {
    char request[256];
    struct connection *publisher;
    while (!(publisher = free_publisher(&publishers))) read_what_is_there(epoll, 20);
    publisher->unanswered++;
    send_all(publisher->fd, request, peer->forget(request, sent));
    while (publisher->unanswered > 0) read_what_is_there(epoll, 20);
}

// A change now and then shows whether it is at the end of what there is.
static void let_slow_catch_up(int epoll, uint64_t changes) {
    uint64_t last_change = 0;
    last_of_slow = now_ns();
    while (!is_dismissed && (newest_of_slow < changes || !slow.is_ready) && seconds_since(last_of_slow) < 10) {
        if (seconds_since(last_change) > 0.05 && publish_one()) last_change = now_ns();
        if (!read_slow(SIZE_MAX)) read_what_is_there(epoll, 1);
        else read_what_is_there(epoll, 0);
    }
}

static void report(uint64_t changes, double elapsed, double left) {
    struct loss_counts counts = count_losses(&losses, slow_count > 0 ? changes : 0);
    printf("{\"peer\":\"%s\",\"changes\":%ju,\"seconds\":%.3f,\"changes_per_s\":%.0f,\"missing\":%ju,\"gaps\":%ju,", peer->name,
           (uintmax_t)changes, elapsed, (double)changes / elapsed, (uintmax_t)missing, (uintmax_t)gaps);
    histogram_print(&all, "all_");
    printf(",\"lost\":%ju,\"replayed\":%ju,\"untold\":%ju,\"told\":%u,\"dismissed\":%s,\"slow_gaps\":%ju,\"left_s\":%.3f}\n",
           (uintmax_t)counts.lost, (uintmax_t)counts.replayed, (uintmax_t)counts.untold, losses.era - 1,
           is_dismissed ? "true" : "false", (uintmax_t)slow_gaps, left);
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"peer", 1, 0, 'p'},    {"quick", 1, 0, 'q'},   {"slow", 1, 0, 'w'},
                                            {"part", 1, 0, 'a'},    {"changes", 1, 0, 'c'}, {"seconds", 1, 0, 's'},
                                            {"payload", 1, 0, 'l'}, {"forget", 0, 0, 'f'},  {"outstanding", 1, 0, 'k'}, {0}};
    const char *name = "fibd";
    double seconds = 10;
    size_t payload = 300;
    uint64_t changes = 200000;
    bool forgets = false;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'p') name = optarg;
        else if (c == 'q') quick = (unsigned)number(optarg, "--quick", 1, 10000);
        else if (c == 'w') slow_count = (unsigned)number(optarg, "--slow", 0, 1);
        else if (c == 'a') part = (unsigned)number(optarg, "--part", 1, 1e6);
        else if (c == 'c') changes = (uint64_t)number(optarg, "--changes", 1, most_slots - 1000);
        else if (c == 's') seconds = number(optarg, "--seconds", 0.1, 600);
        else if (c == 'l') payload = (size_t)number(optarg, "--payload", 16, 4000) / 4 * 4;
        else if (c == 'k') outstanding = (unsigned)number(optarg, "--outstanding", 1, reordered);
        else if (c == 'f') forgets = true;
        else return 2;
    }
    publishers.peer = peer = find_peer(name, payload, most_slots);
    losses.is_told_ahead = peer && peer->read;
    errno = 0;
    if (argc - optind != 1 || !peer || (forgets && !peer->forget))
        die("usage: overload ADDRESS [options]; its source says which");
    allow_descriptors(quick + slow_count + outstanding);

    int epoll = epoll_create1(EPOLL_CLOEXEC);
    subscribe_all(epoll, argv[optind]);
    open_publishers(&publishers, epoll, argv[optind], outstanding);
    put_load(epoll, changes, seconds);
    double elapsed = seconds_since(start);
    uint64_t end = now_ns();
    changes = sent;
    if (forgets) forget(epoll);
    if (slow_count > 0) let_slow_catch_up(epoll, changes);
    report(changes, elapsed, seconds_since(end));
    return 0;
}
