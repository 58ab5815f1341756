// The limit for a replay: sends a file from memory to every connection, one after the other, as fast as plain C can.
//
//     replay-limit FILE [PORT]
//
// FILE is a recorded answer, head included, as `curl -si` writes it; it goes out in slices of 64 KiB, then the connection
// is closed.
#include "http.h"
#include "net.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { slice = 1 << 16 };

static void serve(int fd, const char *bytes, size_t length) {
    char request[8192];
    size_t got = 0;
    while (http_head(request, got) == 0) {
        ssize_t count = recv(fd, request + got, sizeof request - got, 0);
        if (count <= 0) return;
        got += (size_t)count;
    }
    for (size_t at = 0; at < length; at += slice) {
        size_t rest = length - at;
        send_all(fd, bytes + at, rest < slice ? rest : slice);
    }
}

int main(int argc, char **argv) {
    size_t length;
    if (argc < 2) die("usage: replay-limit FILE [PORT]");
    const char *bytes = read_file(argv[1], &length);
    int listener = listen_on(argc > 2 ? (int)number(argv[2], "the port", 0, 65535) : 0);
    for (;;) {
        int fd = accept_from(listener);
        serve(fd, bytes, length);
        close(fd);
    }
}
