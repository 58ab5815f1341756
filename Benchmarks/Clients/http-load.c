// Sends the same kind of request over N keep-alive connections, each as soon as the answer to the last one has come.
//
//     http-load HOST:PORT [--connections N] [--seconds S] [--method GET] [--path PATH] [--body TEXT] [--distinct D]
//     http-load HOST:PORT … --bodies FILE [--answer BYTES]
//
// In the path and the body, %r is replaced by a number as the last three bytes of an address (0.1.44), %k by its eight
// digits. There are D such requests, made before the clock starts, and they are sent in a row, again and again. With --bodies
// each line of the file is the body of one request, as it is. Answers are up to 16 KiB long, or what --answer says.
//
// Prints one line of JSON: requests, per_s, failed (status other than 2xx), rounds (how often the D requests were sent:
// over 1 means that PUTs came to change nothing), p50/p99/max.
#include "histogram.h"
#include "http.h"
#include "net.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

struct connection {
    int fd;
    uint64_t sent_at;
    size_t received;
    char *answer;
};

static size_t answer_size = 1 << 14;

// Ready-made requests, one behind the other; request i is [starts[i], starts[i + 1]).
static struct {
    char *bytes;
    size_t *starts;
    size_t count;
} requests;
static uint64_t sent, answered, failed;
static struct histogram latencies;

static void expand(char *out, const char *pattern, size_t index) {
    for (; *pattern; pattern++) {
        if (*pattern != '%') *out++ = *pattern;
        else if (*++pattern == 'r') out += sprintf(out, "%zu.%zu.%zu", index >> 16, index >> 8 & 255, index & 255);
        else if (*pattern == 'k') out += sprintf(out, "%08zu", index);
        else die("%%%c stands for nothing; there are %%r and %%k", *pattern);
    }
    *out = 0;
}

static void make_requests(const char *method, const char *path, const char *body, size_t count) {
    size_t longest = 256 + 4 * (strlen(path) + strlen(body ? body : "")), length = 0;
    char *this_path = allocate(longest), *this_body = allocate(longest);
    requests.bytes = allocate(longest * count);
    requests.starts = allocate((count + 1) * sizeof(size_t));
    requests.count = count;
    for (size_t i = 0; i < count; i++) {
        expand(this_path, path, i);
        if (body) expand(this_body, body, i);
        requests.starts[i] = length;
        length += http_request(requests.bytes + length, method, this_path, body ? "application/json" : NULL, this_body);
    }
    requests.starts[count] = length;
}

// A request for each line of a file.
static void make_requests_of_lines(const char *method, const char *path, const char *file) {
    size_t size, length = 0, lines = 0;
    char *text = read_file(file, &size);
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    if (lines == 0) die("%s has no line", file);
    requests.bytes = allocate(size + lines * (256 + strlen(path)));
    requests.starts = allocate((lines + 1) * sizeof(size_t));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        requests.starts[requests.count++] = length;
        length += http_request(requests.bytes + length, method, path, "application/json", line);
    }
    requests.starts[requests.count] = length;
}

static void send_next(struct connection *connection) {
    size_t i = sent++ % requests.count;
    connection->received = 0;
    connection->sent_at = now_ns();
    send_all(connection->fd, requests.bytes + requests.starts[i], requests.starts[i + 1] - requests.starts[i]);
}

// Whether the answer is complete now.
static bool read_answer(struct connection *connection) {
    int status = 0;
    ssize_t got = recv(connection->fd, connection->answer + connection->received, answer_size - connection->received,
                       MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0) die("the server closed a connection, or its answer is longer than %zu bytes", answer_size);
    connection->received += (size_t)got;
    if (http_answer(connection->answer, connection->received, &status) == 0) return false;
    histogram_add(&latencies, now_ns() - connection->sent_at);
    answered++;
    if ((status < 200 || status > 299) && failed++ == 0)
        fprintf(stderr, "http-load: the first refusal: %.*s\n", (int)connection->received, connection->answer);
    return true;
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"connections", 1, 0, 'c'}, {"seconds", 1, 0, 's'}, {"method", 1, 0, 'm'},
                                            {"path", 1, 0, 'p'},        {"body", 1, 0, 'b'},    {"distinct", 1, 0, 'd'},
                                            {"bodies", 1, 0, 'f'},      {"answer", 1, 0, 'a'},  {0}};
    size_t connections = 1, distinct = 1;
    double seconds = 2;
    const char *method = "GET", *path = "/", *body = NULL, *bodies = NULL;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'c') connections = (size_t)number(optarg, "--connections", 1, 10000);
        else if (c == 's') seconds = number(optarg, "--seconds", 0.1, 600);
        else if (c == 'm') method = optarg;
        else if (c == 'p') path = optarg;
        else if (c == 'b') body = optarg;
        else if (c == 'f') bodies = optarg;
        else if (c == 'a') answer_size = (size_t)number(optarg, "--answer", 256, 1 << 28);
        else if (c == 'd') distinct = (size_t)number(optarg, "--distinct", 1, 1 << 24);
        else return 2;
    }
    errno = 0;
    if (argc - optind != 1) die("usage: http-load HOST:PORT [options]; its source says which");
    if (bodies) make_requests_of_lines(method, path, bodies);
    else make_requests(method, path, body, distinct);
    allow_descriptors(connections);

    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct connection *all = allocate(connections * sizeof *all);
    for (size_t i = 0; i < connections; i++) {
        all[i].fd = connect_to(argv[optind]);
        all[i].answer = allocate(answer_size);
        watch(epoll, all[i].fd, &all[i]);
    }
    uint64_t start = now_ns();
    struct epoll_event events[512];
    for (size_t i = 0; i < connections; i++) send_next(&all[i]);
    while (seconds_since(start) < seconds) {
        int ready = epoll_wait(epoll, events, 512, 20);
        for (int i = 0; i < ready; i++)
            if (read_answer(events[i].data.ptr)) send_next(events[i].data.ptr);
    }
    double elapsed = seconds_since(start);
    printf("{\"connections\":%zu,\"seconds\":%.3f,\"requests\":%ju,\"failed\":%ju,\"rounds\":%.2f,\"per_s\":%.0f,",
           connections, elapsed, (uintmax_t)answered, (uintmax_t)failed, (double)sent / (double)requests.count,
           (double)answered / elapsed);
    histogram_print(&latencies, "");
    puts("}");
    return 0;
}
