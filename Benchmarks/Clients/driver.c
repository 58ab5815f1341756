// A driver as simple as can be: registers as a listener of fibd, follows its stream, and reports of every route that this
// tells of that it is in hardware.
//
//     driver HOST:PORT [--name NAME] [--seconds S] [--count N]
//
// Ends after S seconds, once N reports have been answered, or by SIGTERM. What has arrived goes out in one request, of 1,000
// reports at most; while one is unanswered, the next gathers. Entries are given back as they came.
//
// Prints one line of JSON: reports, and how they were answered (accepted, unchanged, stale, rejected, which counts the stale
// ones too), requests, resets of the stream, seconds from the first report to the last answer, and reports_per_s.
#include "http.h"
#include "net.h"
#include "sse.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { reports_at_once = 1000, batch_size = 1 << 20, answer_size = 1 << 17 };

static struct {
    char bytes[batch_size];
    size_t length, count;
} batch;
static struct {
    char bytes[answer_size];
    size_t length;
} answer;
static char path[128];  // of the reports
static int reports_fd;
static bool is_unanswered;
static uint64_t first_report, last_answer;
static struct {
    uint64_t reports, requests, accepted, unchanged, stale, rejected, resets;
} counts;
static volatile sig_atomic_t is_ended;

static void end(int signal) {
    (void)signal;
    is_ended = 1;
}

// The number behind a name, which must be there.
static uint64_t value_of(const char *name, const char *text, size_t length) {
    const char *place = memmem(text, length, name, strlen(name));
    errno = 0;
    if (!place) die("there is no %s in %.*s", name, (int)length, text);
    return strtoull(place + strlen(name), NULL, 10);
}

// Receives what there is of an answer. Whether it is complete.
static bool read_answer(int flags) {
    int status = 0;
    ssize_t got = recv(reports_fd, answer.bytes + answer.length, sizeof answer.bytes - answer.length, flags);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (got <= 0) die("the server closed the connection for reports");
    answer.length += (size_t)got;
    size_t length = http_answer(answer.bytes, answer.length, &status);
    if (length == 0) return false;
    errno = 0;
    if (status < 200 || status > 299) die("reports were refused: %.*s", (int)length, answer.bytes);
    return true;
}

static void take_answer(int flags) {
    if (!is_unanswered || !read_answer(flags)) return;
    counts.accepted += value_of("\"accepted\":", answer.bytes, answer.length);
    counts.unchanged += value_of("\"unchanged\":", answer.bytes, answer.length);
    counts.stale += value_of("\"stale\":", answer.bytes, answer.length);
    counts.rejected += value_of("\"rejected_count\":", answer.bytes, answer.length);
    last_answer = now_ns();
    is_unanswered = false;
}

static void send_batch(void) {
    char head[512];
    int length = sprintf(head, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
                               "Content-Length: %zu\r\n\r\n", path, batch.length);
    if (first_report == 0) first_report = now_ns();
    send_all(reports_fd, head, (size_t)length);
    send_all(reports_fd, batch.bytes, batch.length);
    counts.requests++;
    counts.reports += batch.count;
    batch.length = batch.count = 0;
    answer.length = 0;
    is_unanswered = true;
}

static void append(const char *bytes, size_t length) {
    memcpy(batch.bytes + batch.length, bytes, length);
    batch.length += length;
}

static void append_literal(const char *text) { append(text, strlen(text)); }

// {"op":"…","seq":N,"version":N[,…],"entry":{…},"h":"… of a route that is there, so no deletion and no change of flags.
static void take_route(const struct frame *frame) {
    static const char version_name[] = ",\"version\":", entry_name[] = ",\"entry\":", behind_entry[] = "},\"h\":\"";
    const char *p = frame->data, *frame_end = p + frame->data_length;
    const size_t name_length = sizeof version_name - 1;
    errno = 0;
    if (frame->data_length < 16 || memcmp(p, "{\"op\":\"", 7) != 0) die("no delta: %.*s", (int)frame->data_length, p);
    if (p[7] == 'd' || p[7] == 'f') return;
    const char *version = memmem(p, (size_t)(frame_end - p), version_name, name_length);
    const char *entry = version ? memmem(version, (size_t)(frame_end - version), entry_name, sizeof entry_name - 1) : NULL;
    const char *entry_end = entry ? memmem(entry, (size_t)(frame_end - entry), behind_entry, sizeof behind_entry - 1) : NULL;
    if (!entry_end) die("no entry: %.*s", (int)frame->data_length, p);
    entry += sizeof entry_name - 1;
    if (batch.count == reports_at_once || batch.length + (size_t)(entry_end - entry) + 128 > sizeof batch.bytes) {
        while (is_unanswered && !is_ended) take_answer(0);
        if (is_ended) return;
        send_batch();
    }
    append_literal("{\"route\":");
    append(entry, (size_t)(entry_end + 1 - entry));
    append(version, name_length + strspn(version + name_length, "0123456789"));
    append_literal(",\"state\":\"offload\"}\n");
    batch.count++;
}

// False at the end of the stream.
static bool read_stream(int fd, struct carry *carry) {
    static bool has_head;
    const char *p, *bytes_end, *next;
    struct frame frame;
    long got = read_behind(carry, fd, SIZE_MAX, &p, &bytes_end);
    if (got == 0) return false;
    if (got < 0) return true;
    if (!has_head) {
        size_t head = http_head(p, (size_t)(bytes_end - p));
        errno = 0;
        if (head > 0 && strncmp(p, "HTTP/1.1 200", 12) != 0) die("not a stream: %.*s", (int)(bytes_end - p), p);
        has_head = head > 0;
        p += head;
    }
    while (has_head && (next = sse_next(p, bytes_end, &frame))) {
        if (is_event(&frame, "route")) take_route(&frame);
        errno = 0;
        if (is_event(&frame, "error")) die("the stream ends: %.*s", (int)frame.data_length, frame.data);
        if (is_event(&frame, "reset")) counts.resets++;
        p = next;
    }
    carry_over(carry, p, bytes_end);
    return true;
}

// The stream of a listener that is registered for it; sets where reports go.
static int open_stream(const char *address, const char *name) {
    char body[256], request[1024];
    snprintf(body, sizeof body,
             "{\"name\":\"%.100s\",\"role\":\"driver\",\"filter\":{\"kinds\":[\"route\"],\"hw_flags\":\"0\"}}", name);
    reports_fd = connect_to(address);
    send_all(reports_fd, request, http_request(request, "POST", "/v1/listeners", "application/json", body));
    while (!read_answer(0)) {
    }
    uint64_t id = value_of("\"id\":\"", answer.bytes, answer.length);
    sprintf(path, "/v1/listeners/%ju/hardware", (uintmax_t)id);
    int fd = connect_to(address), length = sprintf(request, "GET /v1/listeners/%ju/events HTTP/1.1\r\nHost: localhost\r\n"
                                                            "Accept: text/event-stream\r\n\r\n", (uintmax_t)id);
    send_all(fd, request, (size_t)length);
    return fd;
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"name", 1, 0, 'n'}, {"seconds", 1, 0, 's'}, {"count", 1, 0, 'c'}, {0}};
    const char *name = "driver";
    double seconds = 600, most = 1e18;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'n') name = optarg;
        else if (c == 's') seconds = number(optarg, "--seconds", 0.1, 3600);
        else if (c == 'c') most = number(optarg, "--count", 1, 1e9);
        else return 2;
    }
    errno = 0;
    if (argc - optind != 1) die("usage: driver HOST:PORT [options]; its source says which");
    // Without SA_RESTART: what waits is to see it.
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = end}, NULL);

    struct carry carry = {0};
    int stream_fd = open_stream(argv[optind], name);
    struct pollfd fds[] = {{.fd = stream_fd, .events = POLLIN}, {.fd = reports_fd, .events = POLLIN}};
    uint64_t start = now_ns();
    while (!is_ended && seconds_since(start) < seconds) {
        if (poll(fds, 2, 20) <= 0) continue;
        if (fds[1].revents) take_answer(MSG_DONTWAIT);
        if (fds[0].revents && !read_stream(stream_fd, &carry)) break;
        if ((double)counts.reports >= most && !is_unanswered) break;
        if (batch.count > 0 && !is_unanswered) send_batch();
    }
    double elapsed = first_report < last_answer ? (double)(last_answer - first_report) / 1e9 : 0;
    uint64_t answered = counts.accepted + counts.unchanged + counts.rejected;
    printf("{\"seconds\":%.6f,\"reports\":%ju,\"requests\":%ju,\"accepted\":%ju,\"unchanged\":%ju,\"stale\":%ju,"
           "\"rejected\":%ju,\"resets\":%ju,\"reports_per_s\":%.0f}\n",
           elapsed, (uintmax_t)counts.reports, (uintmax_t)counts.requests, (uintmax_t)counts.accepted,
           (uintmax_t)counts.unchanged, (uintmax_t)counts.stale, (uintmax_t)counts.rejected, (uintmax_t)counts.resets,
           elapsed > 0 ? (double)answered / elapsed : 0);
    return 0;
}
