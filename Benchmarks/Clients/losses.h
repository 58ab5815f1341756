// What one subscriber has got of changes that are numbered from 0, and whether it was told of what it hasn't.
#pragma once
#include "peers.h"

enum { never = 0, reordered = 16 };

struct losses {
    // It has a new era whenever it is told that something is missing; the first one is 1.
    unsigned era;
    // In which era change i was sent, and in which it came; or `never`.
    unsigned sent_in[most_slots], read_in[most_slots];
    // The value that change i has set came with a state that was sent anew.
    bool has_row[most_slots];
    // A loss is told ahead of changes from before it that are still kept, so eras are no places in the sequence.
    bool is_told_ahead;
};

// Of the first `count` changes: those that didn't come, those of them whose value came all the same, and those of them that
// were lost without a word. Changes that were under way together may come in another order, `reordered` at most.
struct loss_counts {
    uint64_t lost, replayed, untold;
} count_losses(const struct losses *losses, uint64_t count);
