#include "connections.h"

#include <errno.h>

void open_publishers(struct publishers *publishers, int epoll, const char *address, unsigned count) {
    const struct peer *peer = publishers->peer;
    publishers->count = peer->pipelines ? 1 : count;
    publishers->all = allocate(publishers->count * sizeof *publishers->all);
    for (unsigned i = 0; i < publishers->count; i++) {
        struct connection *publisher = &publishers->all[i];
        publisher->publishes = true;
        publisher->fd = peer->connect ? peer->connect(address, true) : connect_to(address);
        watch(epoll, publisher->fd, publisher);
    }
}

struct connection *free_publisher(const struct publishers *publishers) {
    if (publishers->peer->pipelines) return publishers->all;
    for (unsigned i = 0; i < publishers->count; i++)
        if (publishers->all[i].unanswered == 0) return &publishers->all[i];
    return NULL;
}

void publish(const struct publishers *publishers, struct connection *publisher, uint64_t first, unsigned count) {
    static _Alignas(8) char request[1 << 18];
    size_t length = publishers->peer->publish(request, first, count);
    publisher->unanswered += publishers->peer->batches ? 1 : count;
    send_all(publisher->fd, request, length);
}

void read_answers(const struct peer *peer, struct connection *publisher) {
    const char *p, *end;
    long got = read_behind(&publisher->carry, publisher->fd, SIZE_MAX, &p, &end);
    if (got < 0) return;
    errno = 0;
    if (got == 0) die("%s closed a publishing connection", peer->name);
    for (size_t length; (length = peer->answer(p, (size_t)(end - p))) > 0; p += length) publisher->unanswered--;
    carry_over(&publisher->carry, p, end);
}

void subscribe(const struct peer *peer, struct connection *subscriber, int epoll, const char *address, int buffer) {
    char request[1024];
    subscriber->fd = peer->connect ? peer->connect(address, false) : connect_with_buffer(address, buffer);
    if (peer->subscribe) send_all(subscriber->fd, request, peer->subscribe(request));
    subscriber->is_ready = !peer->subscribe;
    watch(epoll, subscriber->fd, subscriber);
}

bool is_out_of_place(struct connection *subscriber, const struct message *message) {
    uint64_t last = subscriber->last;
    subscriber->last = message->seq;
    return message->seq > 0 && last > 0 && (message->prev > last || message->seq <= last);
}

long read_messages_of(const struct peer *peer, struct connection *subscriber, size_t most, const char **begin,
                      const char **end) {
    if (peer->read) return peer->read(subscriber->fd, begin, end);
    return read_behind(&subscriber->carry, subscriber->fd, most, begin, end);
}
