// Holds one stream to the rules: what the tests of the rules themselves run.
//
//     check-stream sse|ndjson EXPECTED TRANSACTION < STREAM
//
// EXPECTED: how the hello has to be (follower.h); with `resume`, the cursor was at change 10 of a state without entries.
// TRANSACTION: how many changes a transaction has, 0 if that isn't known. The stream is without a head of HTTP.
// Prints `ok`, or which rule is broken, and exits with 1 then.
#include "follower.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    static char bytes[1 << 20];
    struct counts counts = {0};
    struct follower follower = {.tells_all = true, .counts = &counts};
    struct cursor given = {.exists = true, .held = {.position = 10}};
    struct frame frame;
    if (argc != 4) return 2;
    transaction_size = (unsigned)strtoul(argv[3], NULL, 10);
    follower.format = strcmp(argv[1], "ndjson") == 0 ? ndjson : server_sent_events;
    begin(&follower, argv[2], false, &given);
    const char *wrong = NULL, *p = bytes, *end = bytes + fread(bytes, 1, sizeof bytes, stdin);
    for (const char *next; !wrong && (next = next_frame(follower.format, p, end, &frame)); p = next)
        wrong = follow(&follower, &frame);
    puts(wrong ? wrong : "ok");
    return wrong != NULL;
}
