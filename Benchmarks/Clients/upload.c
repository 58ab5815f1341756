// Sends a file as the body of one request, so that the client is not what limits an import: the file is read before the
// clock starts, and goes out in writes of 1 MiB.
//
//     upload HOST:PORT PATH FILE [MEDIA-TYPE]         POST, application/x-ndjson unless said otherwise
//
// Prints one line of JSON: seconds from the first byte sent to the last one received, bytes, status, and the answer.
#include "http.h"
#include "net.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { piece = 1 << 20 };

int main(int argc, char **argv) {
    errno = 0;
    if (argc < 4 || strlen(argv[2]) > 800) die("usage: upload HOST:PORT PATH FILE [MEDIA-TYPE]");
    size_t length, received = 0;
    const char *bytes = read_file(argv[3], &length);
    char head[2048], answer[1 << 16];
    int head_length = sprintf(head, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                              argv[2], argc > 4 ? argv[4] : "application/x-ndjson", length);
    int fd = connect_to(argv[1]), status = 0;

    uint64_t start = now_ns();
    send_all(fd, head, (size_t)head_length);
    for (size_t at = 0; at < length; at += piece) send_all(fd, bytes + at, length - at < piece ? length - at : piece);
    while (http_answer(answer, received, &status) == 0) {
        ssize_t got = recv(fd, answer + received, sizeof answer - received, 0);
        if (got <= 0) die("the server closed the connection before it had answered");
        received += (size_t)got;
    }
    double seconds = seconds_since(start);
    size_t skip = http_head(answer, received);
    while (received > skip && answer[received - 1] == '\n') received--;
    printf("{\"seconds\":%.6f,\"bytes\":%zu,\"status\":%d,\"answer\":%.*s}\n", seconds, length, status,
           (int)(received - skip), answer + skip);
    return status >= 200 && status < 300 ? 0 : 1;
}
