// The limit for fan-out: a server in plain C that does for `fanout` what fibd does, and nothing else.
//
//     fanout-limit [PORT [close]]
//
// GET /v1/events makes a connection a subscriber. PUT /v1/routes/10.a.b.c/32, or a POST of NDJSON to /v1/routes, is a
// change or a batch of them: it is answered, and at the end of the turn of the event loop each subscriber gets all frames
// of that turn in one send. There is no table, no log, no JSON parser and one thread; frames look and weigh as fibd's do.
//
// It is for closed loops. A subscriber whose socket fills up ends the program, as what is lost can't be measured; or, with
// `close`, only its connection, which is the least that tells it.
#include "http.h"
#include "net.h"
#include "sse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { most_subscribers = 50000 };

struct client {
    int fd;
    size_t place;  // among the subscribers, plus one; 0 for others
    struct carry carry;
};

static struct client *subscribers[most_subscribers];
static size_t subscriber_count;
static char turn[1 << 20];  // the frames of this turn of the loop
static size_t turn_length;
static unsigned long long seq = 1;
static bool closes;

static void add_frame(const char *destination, int length) {
    errno = 0;
    if (turn_length + 512 > sizeof turn) die("more changes in one turn than there is room for");
    seq++;
    turn_length += (size_t)sprintf(
        turn + turn_length,
        "id: 0123456789abcdef-%llu-0\nevent: route\ndata: {\"op\":\"replace\",\"seq\":%llu,\"version\":%llu,\"prev\":%llu,"
        "\"entry\":{\"dst\":\"%.*s\",\"family\":\"inet\",\"gateway\":\"198.51.100.1\",\"metric\":0,\"namespace\":\"default\","
        "\"protocol\":\"boot\",\"table\":\"main\",\"type\":\"unicast\"},\"h\":\"0123456789abcdef0123456789abcdef\","
        "\"was\":\"0123456789abcdef0123456789abcdef\"}\n\n",
        seq, seq, seq, seq - 1, length, destination);
}

static void subscribe(struct client *client) {
    static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
                                "event: hello\ndata: {}\n\nevent: sync\ndata: {\"seq\":0}\n\n";
    errno = 0;
    if (subscriber_count == most_subscribers) die("more than %d subscribers", most_subscribers);
    subscribers[subscriber_count++] = client;
    client->place = subscriber_count;
    send_all(client->fd, hello, sizeof hello - 1);
}

// Every destination of the body, which is NDJSON as `fanout` writes it.
static void take_batch(const char *body, const char *end) {
    static const char name[] = "{\"dst\":\"";
    const char *line_end;
    for (const char *line = body; (line_end = memchr(line, '\n', (size_t)(end - line))); line = line_end + 1) {
        const char *destination = line + sizeof name - 1;
        add_frame(destination, (int)((const char *)memchr(destination, '"', (size_t)(end - destination)) - destination));
    }
}

// Answers the request that begins here and returns where it ends, or NULL as long as it isn't complete.
static const char *take_request(struct client *client, const char *p, const char *end) {
    static const char put[] = "PUT /v1/routes/", get[] = "GET /v1/events";
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    size_t head = http_head(p, (size_t)(end - p));
    if (head == 0) return NULL;
    if (memcmp(p, get, sizeof get - 1) == 0) {
        subscribe(client);
        return p + head;
    }
    const char *length_field = memmem(p, head, "Content-Length: ", 16);
    size_t body = length_field ? strtoul(length_field + 16, NULL, 10) : 0;
    if (head + body > (size_t)(end - p)) return NULL;
    if (memcmp(p, put, sizeof put - 1) == 0) {
        const char *destination = p + sizeof put - 1;
        add_frame(destination, (int)((const char *)memchr(destination, ' ', head) - destination));
    } else {
        take_batch(p + head, p + head + body);
    }
    send_all(client->fd, answer, sizeof answer - 1);
    return p + head + body;
}

static void leave(struct client *client) {
    if (client->place > 0) {
        subscribers[client->place - 1] = subscribers[--subscriber_count];
        subscribers[client->place - 1]->place = client->place;
    }
    close(client->fd);
    free(client->carry.bytes);
    free(client);
}

static void read_requests(struct client *client) {
    const char *p, *end, *next;
    long got = read_behind(&client->carry, client->fd, SIZE_MAX, &p, &end);
    if (got < 0) return;
    if (got == 0) return leave(client);
    for (; p < end && (next = take_request(client, p, end)); p = next) {
    }
    carry_over(&client->carry, p, end);
}

static void end_turn(void) {
    for (size_t i = 0; turn_length > 0 && i < subscriber_count; i++) {
        ssize_t count = send(subscribers[i]->fd, turn, turn_length, MSG_DONTWAIT | MSG_NOSIGNAL);
        bool is_full = count < 0 ? errno == EAGAIN : (size_t)count < turn_length;
        if (is_full && !closes) die("a subscriber's socket is full");
        // What it hasn't read yet it still gets; the next turn's send fails, until it closes its end as well.
        if (is_full) shutdown(subscribers[i]->fd, SHUT_WR);
        else if (count < 0 && errno != EPIPE && errno != ECONNRESET) die("send to a subscriber");
    }
    turn_length = 0;
}

int main(int argc, char **argv) {
    int listener = listen_on(argc > 1 ? (int)number(argv[1], "the port", 0, 65535) : 0);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[512];
    closes = argc > 2 && strcmp(argv[2], "close") == 0;
    allow_descriptors(0);
    set_nonblocking(listener);
    watch(epoll, listener, NULL);
    for (;;) {
        int count = epoll_wait(epoll, events, 512, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr) {
                read_requests(events[i].data.ptr);
                continue;
            }
            struct client *client = allocate(sizeof *client);
            client->fd = accept_from(listener);
            watch(epoll, client->fd, client);
        }
        end_turn();
    }
}
