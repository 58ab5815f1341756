// The kernel's FIB over rtnetlink, as fast as plain C can: what `ip -batch` and `ip route show` would be without text.
//
//     kernel-fib add FILE DEVICE        adds every IPv4 "dst" of an NDJSON file, many messages a send
//     kernel-fib dump                   reads the main table and counts the routes
//     kernel-fib lookup FILE            asks for the way to every IPv4 address of a file, one a line, many messages a send
//
// Run it in a network namespace of its own (ip netns exec). Prints one line of JSON: routes (or lookups that found one),
// refused, seconds.
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { batch_size = 1 << 16 };

struct request {
    struct nlmsghdr header;
    struct rtmsg route;
    struct rtattr destination_header;
    uint32_t destination;
    struct rtattr device_header;
    uint32_t device;
};

static int open_netlink(void) {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), size = 1 << 24;
    if (fd < 0) die("no netlink socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    return fd;
}

static struct request make_request(uint32_t network, uint8_t length, uint32_t device, bool wants_answer) {
    return (struct request){
        .header = {.nlmsg_len = sizeof(struct request),
                   .nlmsg_type = RTM_NEWROUTE,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | (wants_answer ? NLM_F_ACK : 0)},
        .route = {.rtm_family = AF_INET, .rtm_dst_len = length, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_BGP,
                  .rtm_scope = RT_SCOPE_LINK, .rtm_type = RTN_UNICAST},
        .destination_header = {RTA_LENGTH(4), RTA_DST},
        .destination = network,
        .device_header = {RTA_LENGTH(4), RTA_OIF},
        .device = device,
    };
}

// All IPv4 destinations of the file as requests, one behind the other; the last one asks for an answer.
static struct request *read_requests(const char *path, uint32_t device, size_t *count) {
    size_t length;
    char *text = read_file(path, &length);
    struct request *requests = allocate((length / 16 + 1) * sizeof *requests);
    *count = 0;
    for (char *p = text; (p = strstr(p, "\"dst\":\"")); p++) {
        char *slash = strchr(p += 7, '/');
        struct in_addr network;
        if (!slash) break;
        *slash = 0;
        if (inet_pton(AF_INET, p, &network) == 1)
            requests[(*count)++] = make_request(network.s_addr, (uint8_t)atoi(slash + 1), device, false);
        p = slash;
    }
    errno = 0;
    if (*count == 0) die("%s has no IPv4 destination", path);
    requests[*count - 1].header.nlmsg_flags |= NLM_F_ACK;
    return requests;
}

// Reads what the kernel has to say until the answer to the last request. Without NLM_F_ACK, it only tells of errors.
static size_t count_refused(int fd) {
    static char buffer[1 << 16];
    for (size_t refused = 0;;) {
        int left = (int)recv(fd, buffer, sizeof buffer, 0);
        if (left < 0) die("recv");
        for (struct nlmsghdr *h = (struct nlmsghdr *)buffer; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            const struct nlmsgerr *answer = NLMSG_DATA(h);
            if (h->nlmsg_type != NLMSG_ERROR) continue;
            if (answer->error != 0) refused++;
            if (answer->msg.nlmsg_flags & NLM_F_ACK) return refused;
        }
    }
}

static void add(const char *path, const char *device_name) {
    uint32_t device = if_nametoindex(device_name);
    if (device == 0) die("no device %s here", device_name);
    size_t count, a_send = batch_size / sizeof(struct request);
    struct request *requests = read_requests(path, device, &count);
    int fd = open_netlink();
    uint64_t start = now_ns();
    for (size_t at = 0; at < count; at += a_send) {
        size_t these = count - at < a_send ? count - at : a_send;
        if (send(fd, &requests[at], these * sizeof *requests, 0) < 0) die("send");
    }
    size_t refused = count_refused(fd);
    printf("{\"routes\":%zu,\"refused\":%zu,\"seconds\":%.6f}\n", count - refused, refused, seconds_since(start));
}

static void dump(void) {
    static char buffer[1 << 18];
    struct {
        struct nlmsghdr header;
        struct rtmsg route;
    } request = {.header = {.nlmsg_len = sizeof request, .nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
                 .route = {.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN}};
    int fd = open_netlink();
    size_t routes = 0;
    uint64_t start = now_ns();
    if (send(fd, &request, sizeof request, 0) < 0) die("send");
    for (bool is_done = false; !is_done;) {
        int left = (int)recv(fd, buffer, sizeof buffer, 0);
        if (left < 0) die("recv");
        for (struct nlmsghdr *h = (struct nlmsghdr *)buffer; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            const struct rtmsg *route = NLMSG_DATA(h);
            if (h->nlmsg_type == NLMSG_DONE) is_done = true;
            else if (h->nlmsg_type == RTM_NEWROUTE && route->rtm_table == RT_TABLE_MAIN) routes++;
        }
    }
    printf("{\"routes\":%zu,\"refused\":0,\"seconds\":%.6f}\n", routes, seconds_since(start));
}

struct question {
    struct nlmsghdr header;
    struct rtmsg route;
    struct rtattr destination_header;
    uint32_t destination;
};

// One question for each line of the file that is an address.
static struct question *read_questions(const char *path, size_t *count) {
    size_t length;
    char *text = read_file(path, &length);
    struct question *questions = allocate((length / 8 + 1) * sizeof *questions);
    *count = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        struct in_addr address;
        if (inet_pton(AF_INET, line, &address) != 1) die("%s is not an IPv4 address", line);
        questions[(*count)++] = (struct question){
            .header = {.nlmsg_len = sizeof(struct question), .nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST},
            .route = {.rtm_family = AF_INET, .rtm_dst_len = 32},
            .destination_header = {RTA_LENGTH(4), RTA_DST},
            .destination = address.s_addr,
        };
    }
    errno = 0;
    return questions;
}

static void lookup(const char *path) {
    enum { a_send = 256 };
    static char buffer[1 << 18];
    size_t count, found = 0, answered = 0;
    struct question *questions = read_questions(path, &count);
    int fd = open_netlink();
    uint64_t start = now_ns();
    for (size_t at = 0; at < count;) {
        size_t these = count - at < a_send ? count - at : a_send;
        if (send(fd, &questions[at], these * sizeof *questions, 0) < 0) die("send");
        for (at += these; answered < at;) {
            int left = (int)recv(fd, buffer, sizeof buffer, 0);
            if (left < 0) die("recv");
            for (struct nlmsghdr *h = (struct nlmsghdr *)buffer; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
                answered++;
                found += h->nlmsg_type == RTM_NEWROUTE;
            }
        }
    }
    printf("{\"routes\":%zu,\"refused\":%zu,\"seconds\":%.6f}\n", found, count - found, seconds_since(start));
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "add") == 0) add(argv[2], argv[3]);
    else if (argc == 2 && strcmp(argv[1], "dump") == 0) dump();
    else if (argc == 3 && strcmp(argv[1], "lookup") == 0) lookup(argv[2]);
    else die("usage: kernel-fib add FILE DEVICE | kernel-fib dump | kernel-fib lookup FILE");
    return 0;
}
