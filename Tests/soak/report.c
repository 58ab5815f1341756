// A line of JSON on all subscribers.
#include "net.h"
#include "streams.h"

#include <stdio.h>
#include <string.h>

static void print_counts(const char *name, const struct counts *counts) {
    printf("\"%s\":{\"frames\":%ju,\"rows\":%ju,\"changes\":%ju,\"catchups\":%ju,\"syncs\":%ju,\"resets\":%ju,\"errors\":%ju,"
           "\"transactions\":%ju,\"replays\":%ju,\"resumptions\":%ju,\"lives\":%ju,\"refusals\":%ju},",
           name, (uintmax_t)counts->frames, (uintmax_t)counts->rows, (uintmax_t)counts->changes,
           (uintmax_t)counts->catchups, (uintmax_t)counts->syncs, (uintmax_t)counts->resets, (uintmax_t)counts->errors,
           (uintmax_t)counts->transactions, (uintmax_t)counts->replays, (uintmax_t)counts->resumptions,
           (uintmax_t)counts->lives, (uintmax_t)counts->refusals);
}

// How many changes those are behind who see all and read at once.
static uint64_t farthest_behind(const struct stream *streams, unsigned subscribers) {
    uint64_t lowest = soak.highest;
    for (unsigned i = 0; i < subscribers; i++)
        if (!streams[i].is_slow && streams[i].filter->query[0] == 0 && streams[i].follower.stage == in_sequence &&
            streams[i].connection == flowing && streams[i].follower.held.position < lowest)
            lowest = streams[i].follower.held.position;
    return soak.highest - lowest;
}

static void print_filters(const struct stream *streams, unsigned subscribers) {
    char text[33];
    printf("\"filters\":{");
    for (unsigned i = 0, count = 0; i < subscribers; i++) {
        unsigned first = 0;
        while (streams[first].filter != streams[i].filter) first++;
        if (first < i) continue;
        print_digest(streams[i].follower.held.digest, text);
        printf("%s\"%s\":{\"count\":%ju,\"digest\":\"%s\"}", count++ ? "," : "", streams[i].filter->name,
               (uintmax_t)streams[i].follower.held.count, text);
    }
    printf("},");
}

void report(const char *event, const struct stream *streams, unsigned subscribers, uint64_t start) {
    unsigned open = 0, in_step = 0;
    for (unsigned i = 0; i < subscribers; i++) {
        open += streams[i].connection == flowing;
        in_step += streams[i].connection == flowing && streams[i].follower.stage == in_sequence;
    }
    printf("{\"event\":\"%s\",\"seconds\":%.3f,\"open\":%u,\"in_sequence\":%u,\"arrived\":%ju,\"behind\":%ju,", event,
           seconds_since(start), open, in_step, (uintmax_t)soak.arrived,
           (uintmax_t)farthest_behind(streams, subscribers));
    printf("\"bytes\":%ju,\"cuts\":%ju,\"broken_off\":%ju,\"stalls\":%ju,\"late_sync\":%.1f,\"to_sync\":%.1f,",
           (uintmax_t)soak.bytes, (uintmax_t)soak.cuts, (uintmax_t)soak.broken_off, (uintmax_t)soak.stalls,
           soak.longest_without_sync, soak.longest_to_sync);
    print_counts("fast", &soak.fast_counts);
    print_counts("slow", &soak.slow_counts);
    if (strcmp(event, "finished") == 0) print_filters(streams, subscribers);
    printf("\"violations\":%ju}\n", (uintmax_t)soak.violations);
    fflush(stdout);
}
