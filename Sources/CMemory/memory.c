#include "CMemory.h"

#include <malloc.h>

enum { cache_line = 64 };

void fibd_prefetch(const void *address, size_t bytes) {
    const char *start = address;

    for (size_t offset = 0; offset < bytes; offset += cache_line)
        __builtin_prefetch(start + offset);
}

void fibd_share_heap(int step) {
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TOP_PAD, step);
}
