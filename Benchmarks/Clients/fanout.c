// Publishes changes and receives them on N subscriptions, in one program, so that a latency is a difference of one clock.
//
//     fanout HOST:PORT [--peer fibd|hardware|nchan|redis|etcd] [--subscribers N] [--seconds S]
//            [--outstanding K] [--batch B]       closed loop: the next change when all subscribers have one of the last K
//            [--rate R]                          open loop: R changes a second, whatever comes back
//            [--payload BYTES]                   size of a message to the peers that are not fibd
//
// Closed loop: every batch of B changes is one request (fibd) or B pipelined ones (the others), and K batches are under
// way, each on a publishing connection of its own (Redis: all on one). Open loop: a latency counts from the moment at
// which the change was due, so that a server that falls behind can't hide it.
//
// The peer `hardware` is a fibd with a simulated switch or a driver: a change is delivered with the flag that hardware sets.
//
// Prints one line of JSON: changes, deliveries, missing (not delivered to everyone within 3 s of the end), gaps (fibd:
// deltas whose `prev` says that one is missing), deliveries_per_s, changes_per_s, bytes a delivery, p50/p99/max of the
// time from sending to reading.
#include "histogram.h"
#include "net.h"
#include "peers.h"
#include "sse.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct connection {
    int fd;
    bool publishes, is_ready;
    unsigned unanswered;
    uint64_t last;  // seq of the last change read
    struct carry carry;
};

static const struct peer *peer;
static unsigned subscribers = 1, outstanding = 1, batch = 1, publisher_count, ready_count;
static struct connection *publishers;
static double rate;
static uint64_t sent_at[slots];        // when the change in this slot was sent, or due
static unsigned remaining[slots];      // to how many subscribers it must still go
static uint64_t start, sent, completed, deliveries, gaps, unexpected, bytes, last_delivery;
static struct histogram latencies;

static void take(struct connection *subscriber, const struct message *message, uint64_t now) {
    errno = 0;
    if (message->kind == broken) die("a stream was reset, ended in an error or can't be understood");
    if (message->kind == ready && !subscriber->is_ready) {
        subscriber->is_ready = true;
        ready_count++;
    }
    if (message->kind != change && message->kind != passed) return;
    if (message->seq > 0 && subscriber->last > 0 && (message->prev > subscriber->last || message->seq <= subscriber->last))
        gaps++;
    subscriber->last = message->seq;
    if (message->kind == passed) return;
    if (remaining[message->slot] == 0) {
        unexpected++;
        return;
    }
    deliveries++;
    histogram_add(&latencies, now - sent_at[message->slot]);
    if (--remaining[message->slot] == 0) completed++;
}

static void read_messages(struct connection *subscriber) {
    const char *p, *end, *next;
    struct message message;
    long got = read_behind(&subscriber->carry, subscriber->fd, SIZE_MAX, &p, &end);
    if (got < 0) return;
    errno = 0;
    if (got == 0) die("%s closed a subscription", peer->name);
    uint64_t now = now_ns();
    if (start > 0) bytes += (uint64_t)got;
    while (p < end && (next = peer->next(p, end, &message))) {
        take(subscriber, &message, now);
        p = next;
    }
    last_delivery = now;
    carry_over(&subscriber->carry, p, end);
}

static void read_answers(struct connection *publisher) {
    const char *p, *end;
    long got = read_behind(&publisher->carry, publisher->fd, SIZE_MAX, &p, &end);
    if (got < 0) return;
    errno = 0;
    if (got == 0) die("%s closed a publishing connection", peer->name);
    for (size_t length; (length = peer->answer(p, (size_t)(end - p))) > 0; p += length) publisher->unanswered--;
    carry_over(&publisher->carry, p, end);
}

static struct connection *free_publisher(void) {
    if (peer->pipelines) return publishers;
    for (unsigned i = 0; i < publisher_count; i++)
        if (publishers[i].unanswered == 0) return &publishers[i];
    return NULL;
}

static void publish(struct connection *publisher, uint64_t due) {
    static char request[1 << 18];
    size_t length = peer->publish(request, sent, batch);
    for (unsigned i = 0; i < batch; i++, sent++) {
        sent_at[sent % slots] = due;
        remaining[sent % slots] = subscribers;
    }
    publisher->unanswered += peer->batches ? 1 : batch;
    send_all(publisher->fd, request, length);
}

// Sends what may be sent now. In the open loop, change i is due i/rate seconds after the start.
static void publish_what_is_due(void) {
    struct connection *publisher;
    if (rate > 0) {
        double elapsed = seconds_since(start);
        while ((double)sent < elapsed * rate && sent - completed < slots && (publisher = free_publisher()))
            publish(publisher, start + (uint64_t)((double)sent / rate * 1e9));
    } else {
        while (sent - completed <= (outstanding - 1) * batch && (publisher = free_publisher()))
            publish(publisher, now_ns());
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
        else if (connection->publishes) read_answers(connection);
        else read_messages(connection);
    }
}

static struct connection *open_publishers(int epoll, const char *address) {
    struct connection *all = allocate(publisher_count * sizeof *all);
    for (unsigned i = 0; i < publisher_count; i++) {
        all[i].publishes = true;
        all[i].fd = connect_to(address);
        watch(epoll, all[i].fd, &all[i]);
    }
    return all;
}

// Comes back when every subscription stands. Never more than 128 wait at a time: a server's queue of connections is short.
static void subscribe_all(int epoll, const char *address) {
    struct connection *all = allocate(subscribers * sizeof *all);
    uint64_t begin = now_ns();
    char request[1024];
    size_t length = peer->subscribe(request);
    for (unsigned opened = 0; ready_count < subscribers;) {
        if (opened < subscribers && opened - ready_count < 128) {
            all[opened].fd = connect_to(address);
            send_all(all[opened].fd, request, length);
            watch(epoll, all[opened].fd, &all[opened]);
            opened++;
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
    histogram_print(&latencies);
    puts("}");
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"peer", 1, 0, 'p'},        {"subscribers", 1, 0, 'n'}, {"seconds", 1, 0, 's'},
                                            {"outstanding", 1, 0, 'k'}, {"batch", 1, 0, 'b'},       {"rate", 1, 0, 'r'},
                                            {"payload", 1, 0, 'l'},     {0}};
    const char *name = "fibd";
    double seconds = 2;
    size_t payload = 300;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'p') name = optarg;
        else if (c == 'n') subscribers = (unsigned)number(optarg, "--subscribers", 1, 50000);
        else if (c == 's') seconds = number(optarg, "--seconds", 0.1, 600);
        else if (c == 'k') outstanding = (unsigned)number(optarg, "--outstanding", 1, 256);
        else if (c == 'b') batch = (unsigned)number(optarg, "--batch", 1, 250);
        else if (c == 'r') rate = number(optarg, "--rate", 1, 1e6);
        else if (c == 'l') payload = (size_t)number(optarg, "--payload", 16, 1000) / 4 * 4;
        else return 2;
    }
    peer = find_peer(name, payload);
    errno = 0;
    if (argc - optind != 1 || !peer) die("usage: fanout HOST:PORT [options]; its source says which");
    // In the open loop, eight connections take what becomes due while others wait for their answers.
    publisher_count = peer->pipelines ? 1 : rate > 0 ? 8 : outstanding;
    allow_descriptors(subscribers + publisher_count);

    int epoll = epoll_create1(EPOLL_CLOEXEC), timer = -1;
    subscribe_all(epoll, argv[optind]);
    publishers = open_publishers(epoll, argv[optind]);
    if (rate > 0) timer = start_timer(epoll);
    start = now_ns();
    while (seconds_since(start) < seconds) {
        publish_what_is_due();
        read_what_is_there(epoll, timer);
    }
    while (completed < sent && seconds_since(start) < seconds + 3) read_what_is_there(epoll, timer);
    report((double)(last_delivery - start) / 1e9);
    return 0;
}
