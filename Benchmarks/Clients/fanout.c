// Publishes changes and receives them on N subscriptions, in one program, so that a latency is a difference of one clock.
//
//     fanout ADDRESS [--peer fibd|hardware|nchan|redis|etcd|netlink] [--subscribers N] [--seconds S]
//            [--outstanding K] [--batch B]       closed loop: the next change when all subscribers have one of the last K
//            [--rate R]                          open loop: R changes a second, whatever comes back
//            [--payload BYTES]                   size of a message to nchan, Redis and etcd
//            [--drain S]                         how long to wait in the end for what is under way (3)
//
// The address is HOST:PORT, or for netlink the name of a device of this network namespace, which must be its own.
//
// Closed loop: every batch of B changes is one request (fibd) or B pipelined ones (the others), and K batches are under
// way, each on a publishing connection of its own (Redis and netlink: all on one). Open loop: a latency counts from the moment at
// which the change was due, so that a server that falls behind can't hide it.
//
// The peer `hardware` is a fibd with a simulated switch or a driver: a change is delivered with the flag that hardware sets.
//
// Prints one line of JSON: changes, deliveries, missing (not delivered to everyone when waiting ends), gaps (fibd:
// deltas whose `prev` says that one is missing), deliveries_per_s, changes_per_s, bytes a delivery, and percentiles of the
// time from sending a change until a subscriber has read it (p50_us … max_us), and until all have (all_p50_us …).
#include "connections.h"
#include "histogram.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

static const struct peer *peer;
static unsigned subscribers = 1, outstanding = 1, batch = 1, ready_count;
static struct publishers publishers;
static double rate;
enum { slot_count = 1 << 16 };
static uint64_t sent_at[slot_count];    // when the change in this slot was sent, or due
static unsigned remaining[slot_count];  // to how many subscribers it must still go
static uint64_t start, sent, completed, deliveries, gaps, unexpected, bytes, last_delivery;
static struct histogram each, all;

static void take(struct connection *subscriber, const struct message *message, uint64_t now) {
    errno = 0;
    if (message->kind == told || message->kind == dismissed || message->kind == broken)
        die("a stream was reset, ended in an error or can't be understood");
    if (message->kind == ready && !subscriber->is_ready) {
        subscriber->is_ready = true;
        ready_count++;
    }
    if (message->kind != change && message->kind != passed) return;
    gaps += is_out_of_place(subscriber, message);
    if (message->kind == passed) return;
    if (remaining[message->slot] == 0) {
        unexpected++;
        return;
    }
    deliveries++;
    histogram_add(&each, now - sent_at[message->slot]);
    if (--remaining[message->slot] > 0) return;
    histogram_add(&all, now - sent_at[message->slot]);
    completed++;
}

static void read_messages(struct connection *subscriber) {
    const char *p, *end, *next;
    struct message message;
    long got = read_messages_of(peer, subscriber, SIZE_MAX, &p, &end);
    if (got == -1) return;
    errno = 0;
    if (got <= 0) die("%s %s", peer->name, got == 0 ? "closed a subscription" : "lost messages");
    uint64_t now = now_ns();
    if (start > 0) bytes += (uint64_t)got;
    while (p < end && (next = peer->next(p, end, &message))) {
        take(subscriber, &message, now);
        p = next;
    }
    last_delivery = now;
    carry_over(&subscriber->carry, p, end);
}

static void publish_batch(struct connection *publisher, uint64_t due) {
    uint64_t first = sent;
    for (; sent < first + batch; sent++) {
        sent_at[sent % slots] = due;
        remaining[sent % slots] = subscribers;
    }
    publish(&publishers, publisher, first, batch);
}

// Sends what may be sent now. In the open loop, change i is due i/rate seconds after the start.
static void publish_what_is_due(void) {
    struct connection *publisher;
    if (rate > 0) {
        double elapsed = seconds_since(start);
        while ((double)sent < elapsed * rate && sent - completed < slots && (publisher = free_publisher(&publishers)))
            publish_batch(publisher, start + (uint64_t)((double)sent / rate * 1e9));
    } else {
        while (sent - completed <= (outstanding - 1) * batch && (publisher = free_publisher(&publishers)))
            publish_batch(publisher, now_ns());
    }
}

// The timer has no other purpose than to wake us when a change is due: milliseconds, as epoll_wait counts, are too coarse.
static int start_timer(int epoll) {
    static struct connection tag;
    long interval = (long)(1e9 / rate);
    struct itimerspec times = {.it_interval.tv_nsec = interval % 1000000000, .it_interval.tv_sec = interval / 1000000000};
    times.it_value = times.it_interval;
    tag.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (tag.fd < 0 || timerfd_settime(tag.fd, 0, &times, NULL) != 0) die("timerfd");
    watch(epoll, tag.fd, &tag);
    return tag.fd;
}

static void read_what_is_there(int epoll, int timer) {
    struct epoll_event events[512];
    uint64_t ticks;
    int count = epoll_wait(epoll, events, 512, 20);
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (connection->fd == timer) (void)!read(timer, &ticks, sizeof ticks);
        else if (connection->publishes) read_answers(peer, connection);
        else read_messages(connection);
    }
}

// Comes back when every subscription stands. Never more than 128 wait at a time: a server's queue of connections is short.
static void subscribe_all(int epoll, const char *address) {
    struct connection *connections = allocate(subscribers * sizeof *connections);
    uint64_t begin = now_ns();
    for (unsigned opened = 0; ready_count < subscribers;) {
        if (opened < subscribers && opened - ready_count < 128) {
            subscribe(peer, &connections[opened], epoll, address, 0);
            ready_count += connections[opened++].is_ready;
        } else {
            read_what_is_there(epoll, -1);
        }
        errno = 0;
        if (seconds_since(begin) > 30) die("only %u of %u subscriptions stand after 30 s", ready_count, subscribers);
    }
}

static void report(double elapsed) {
    printf("{\"peer\":\"%s\",\"subscribers\":%u,\"seconds\":%.3f,\"changes\":%ju,\"deliveries\":%ju,\"missing\":%ju,"
           "\"unexpected\":%ju,\"gaps\":%ju,\"changes_per_s\":%.0f,\"deliveries_per_s\":%.0f,\"bytes\":%.0f,",
           peer->name, subscribers, elapsed, (uintmax_t)sent, (uintmax_t)deliveries,
           (uintmax_t)(sent * subscribers - deliveries), (uintmax_t)unexpected, (uintmax_t)gaps,
           (double)completed / elapsed, (double)deliveries / elapsed, (double)bytes / (double)(deliveries + !deliveries));
    histogram_print(&each, "");
    putchar(',');
    histogram_print(&all, "all_");
    puts("}");
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"peer", 1, 0, 'p'},        {"subscribers", 1, 0, 'n'}, {"seconds", 1, 0, 's'},
                                            {"outstanding", 1, 0, 'k'}, {"batch", 1, 0, 'b'},       {"rate", 1, 0, 'r'},
                                            {"payload", 1, 0, 'l'},     {"drain", 1, 0, 'd'},       {0}};
    const char *name = "fibd";
    double seconds = 2, drain = 3;
    size_t payload = 300;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'p') name = optarg;
        else if (c == 'n') subscribers = (unsigned)number(optarg, "--subscribers", 1, 50000);
        else if (c == 's') seconds = number(optarg, "--seconds", 0.1, 600);
        else if (c == 'k') outstanding = (unsigned)number(optarg, "--outstanding", 1, 256);
        else if (c == 'b') batch = (unsigned)number(optarg, "--batch", 1, 250);
        else if (c == 'r') rate = number(optarg, "--rate", 1, 1e6);
        else if (c == 'l') payload = (size_t)number(optarg, "--payload", 16, 1000) / 4 * 4;
        else if (c == 'd') drain = number(optarg, "--drain", 0.1, 600);
        else return 2;
    }
    publishers.peer = peer = find_peer(name, payload, slot_count);
    errno = 0;
    if (argc - optind != 1 || !peer) die("usage: fanout ADDRESS [options]; its source says which");
    // In the open loop, eight connections take what becomes due while others wait for their answers.
    unsigned publisher_count = rate > 0 ? 8 : outstanding;
    allow_descriptors(subscribers + publisher_count);

    int epoll = epoll_create1(EPOLL_CLOEXEC), timer = -1;
    subscribe_all(epoll, argv[optind]);
    open_publishers(&publishers, epoll, argv[optind], publisher_count);
    if (rate > 0) timer = start_timer(epoll);
    start = now_ns();
    while (seconds_since(start) < seconds) {
        publish_what_is_due();
        read_what_is_there(epoll, timer);
    }
    while (completed < sent && seconds_since(start) < seconds + drain) read_what_is_there(epoll, timer);
    report((double)(last_delivery - start) / 1e9);
    return 0;
}
