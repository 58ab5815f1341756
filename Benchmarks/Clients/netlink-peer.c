// The kernel as a server of changes: a subscriber is a netlink socket that listens to the IPv4 routes of this network
// namespace, and a change is a route that is replaced. Its messages are what they are, about 70 bytes.
#include "net.h"
#include "peers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
    struct nlmsghdr header;
    struct rtmsg route;
    struct rtattr destination_header;
    uint32_t destination;
    struct rtattr gateway_header;
    uint32_t gateway;
    struct rtattr device_header;
    uint32_t device;
};

static uint32_t device;

// A /32 whose last three bytes are the slot. The gateway is another one than before, as what changes nothing isn't told.
size_t netlink_publish(char *out, uint64_t first, unsigned count) {
    struct request *request = (struct request *)out;
    for (uint64_t index = first; index < first + count; index++) {
        *request++ = (struct request){
            .header = {.nlmsg_len = sizeof *request,
                       .nlmsg_type = RTM_NEWROUTE,
                       .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK},
            .route = {.rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_BGP,
                      .rtm_type = RTN_UNICAST},
            .destination_header = {RTA_LENGTH(4), RTA_DST},
            .destination = htonl(10u << 24 | (uint32_t)(index % slots)),
            .gateway_header = {RTA_LENGTH(4), RTA_GATEWAY},
            .gateway = htonl(192u << 24 | 2 << 8 | (uint32_t)((gateway_of_run() + index / slots) % 250 + 1)),
            .device_header = {RTA_LENGTH(4), RTA_OIF},
            .device = device,
        };
    }
    return count * sizeof *request;
}

const char *netlink_next(const char *p, const char *end, struct message *message) {
    const struct nlmsghdr *header = (const struct nlmsghdr *)p;
    const struct rtmsg *route = NLMSG_DATA(header);
    int left = (int)(end - p);
    message->kind = other;
    if (!NLMSG_OK(header, left)) return NULL;
    if (header->nlmsg_type == RTM_NEWROUTE) {
        left = (int)RTM_PAYLOAD(header);
        for (const struct rtattr *a = RTM_RTA(route); RTA_OK(a, left); a = RTA_NEXT(a, left))
            if (a->rta_type == RTA_DST)
                *message = (struct message){change, ntohl(*(const uint32_t *)RTA_DATA(a)) % (1 << 24) % slots, 0, 0};
    }
    return p + NLMSG_ALIGN(header->nlmsg_len);
}

size_t netlink_answer(const char *p, size_t length) {
    const struct nlmsghdr *header = (const struct nlmsghdr *)p;
    const struct nlmsgerr *answer = NLMSG_DATA(header);
    if (!NLMSG_OK(header, (int)length)) return 0;
    errno = -answer->error;
    if (errno != 0) die("the kernel has refused a route");
    return NLMSG_ALIGN(header->nlmsg_len);
}

static int open_netlink(unsigned groups) {
    struct sockaddr_nl here = {.nl_family = AF_NETLINK, .nl_groups = groups};
    // The kernel counts each message as 700 bytes and more, and keeps twice of what it is asked for.
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), size = 4 << 20;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0 ||
        bind(fd, (struct sockaddr *)&here, sizeof here) != 0)
        die("no netlink socket that can hold %d bytes (it takes root)", size);
    return fd;
}

// Hands requests to the kernel and answers back, until there are no more.
static _Noreturn void write_routes(int requests) {
    static char buffer[1 << 18];
    int kernel = open_netlink(0);
    for (ssize_t length; (length = recv(requests, buffer, sizeof buffer, 0)) > 0;) {
        size_t count = (size_t)length / sizeof(struct request);
        if (send(kernel, buffer, (size_t)length, 0) != length) die("send to the kernel");
        for (; count > 0; count--) {
            length = recv(kernel, buffer, sizeof buffer, 0);
            if (length < 0) die("no answer of the kernel");
            if (send(requests, buffer, (size_t)length, MSG_NOSIGNAL) < 0) _exit(0);
        }
    }
    _exit(0);
}

// Publishing is a process of its own, as the server is elsewhere: the kernel gives a message to all listeners while the
// writer waits, who could not read meanwhile.
int netlink_connect(const char *address, bool publishes) {
    if (!publishes) return open_netlink(RTMGRP_IPV4_ROUTE);
    int ends[2];
    device = if_nametoindex(address);
    if (device == 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) die("no device %s here", address);
    pid_t writer = fork();
    if (writer < 0) die("fork");
    if (writer == 0) {
        // Subscriptions too, or those of this run would still listen in the next one.
        close_range(3, (unsigned)ends[1] - 1, 0);
        write_routes(ends[1]);
    }
    close(ends[1]);
    return ends[0];
}

// Up to 16 messages in one call, and then one behind the other.
long netlink_read(int fd, const char **begin, const char **end) {
    enum { most = 16, longest = 512 };
    static _Alignas(8) char buffer[most * longest];
    struct iovec places[most];
    struct mmsghdr messages[most];
    size_t length = 0;
    for (int i = 0; i < most; i++) {
        places[i] = (struct iovec){buffer + i * longest, longest};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &places[i], .msg_iovlen = 1}};
    }
    int count = recvmmsg(fd, messages, most, MSG_DONTWAIT, NULL);
    if (count < 0 && errno == ENOBUFS) return messages_lost;
    if (count < 0) return errno == EAGAIN || errno == EINTR ? -1 : 0;
    for (int i = 0; i < count; i++) {
        memmove(buffer + length, places[i].iov_base, messages[i].msg_len);
        length += NLMSG_ALIGN(messages[i].msg_len);
    }
    *begin = buffer;
    *end = buffer + length;
    return (long)length;
}
