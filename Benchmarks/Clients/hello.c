// The limit for answers: libmicrohttpd alone, from C, driven as fibd drives it: our own thread waits on its epoll
// descriptor and calls MHD_run. Every request is answered with the same 200 bytes, about what a route takes.
//
//     hello [PORT]
//
// The answer is queued in the second call of the handler: in the first one, libmicrohttpd would close the connection.
#include "net.h"

#include <microhttpd.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static struct MHD_Response *response;

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *body, size_t *body_length, void **state) {
    (void)context, (void)url, (void)method, (void)version, (void)body;
    static int seen;
    if (!*state) {
        *state = &seen;
        return MHD_YES;
    }
    if (*body_length > 0) {
        *body_length = 0;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

int main(int argc, char **argv) {
    static char text[200];
    memset(text, '.', sizeof text);
    allow_descriptors(0);
    int listener = listen_on(argc > 1 ? (int)number(argv[1], "the port", 0, 65535) : 0);
    response = MHD_create_response_from_buffer(sizeof text, text, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", "application/json");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_NO_FLAG, 0, NULL, NULL, answer, NULL, MHD_OPTION_LISTEN_SOCKET, listener,
                         MHD_OPTION_CONNECTION_LIMIT, 10000u, MHD_OPTION_END);
    if (!daemon) die("libmicrohttpd doesn't start");
    int epoll = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int outer = epoll_create1(EPOLL_CLOEXEC);
    watch(outer, epoll, NULL);
    struct epoll_event event;
    for (;;) {
        MHD_UNSIGNED_LONG_LONG wait_ms;
        int timeout = MHD_get_timeout(daemon, &wait_ms) == MHD_YES && wait_ms < 1000 ? (int)wait_ms : 1000;
        epoll_wait(outer, &event, 1, timeout);
        MHD_run(daemon);
    }
}
