#include "losses.h"

// The first or last era in which one of [from, to) was read, or `otherwise`.
static unsigned era_of(const struct losses *losses, uint64_t from, uint64_t to, bool first, unsigned otherwise) {
    unsigned found = never;
    for (uint64_t i = from; i < to && i < most_slots; i++) {
        unsigned era = losses->read_in[i];
        if (era != never && (found == never || (first ? era < found : era > found))) found = era;
    }
    return found != never ? found : otherwise;
}

// Where the run of lost changes that begins here ends. Two runs with no more between them than may be reordered are one.
static uint64_t end_of_run(const struct losses *losses, uint64_t begin, uint64_t count) {
    uint64_t end = begin;
    for (uint64_t i = begin; i < count && i < end + reordered; i++)
        if (losses->read_in[i] == never) end = i + 1;
    return end;
}

// A run was told of if the era before it isn't the one behind. Where losses are told ahead, the era before is that in which the
// first of the run was sent.
static bool is_told(const struct losses *losses, uint64_t begin, uint64_t end) {
    uint64_t from = begin < reordered ? 0 : begin - reordered;
    unsigned before = losses->is_told_ahead ? losses->sent_in[begin] : era_of(losses, from, begin, true, 1);
    return before != era_of(losses, end, end + reordered, false, losses->era);
}

struct loss_counts count_losses(const struct losses *losses, uint64_t count) {
    struct loss_counts counts = {0};
    for (uint64_t i = 0; i < count;) {
        if (losses->read_in[i] != never) {
            i++;
            continue;
        }
        uint64_t end = end_of_run(losses, i, count);
        bool told = is_told(losses, i, end);
        for (; i < end; i++) {
            if (losses->read_in[i] != never) continue;
            counts.lost++;
            counts.replayed += losses->has_row[i];
            counts.untold += !told;
        }
    }
    return counts;
}
