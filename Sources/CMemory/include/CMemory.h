/* What Swift has no word for: a hint to the processor, and settings of malloc, whose header isn't imported. */
#ifndef FIBD_CMEMORY_H
#define FIBD_CMEMORY_H

#include <stddef.h>

/* Asks for `bytes` from `address` on to be loaded into the caches, and returns at once. Never faults. Any thread. */
static inline void fibd_prefetch(const void *address, size_t bytes) {
    enum { cache_line = 64 };

    for (size_t offset = 0; offset < bytes; offset += cache_line)
        __builtin_prefetch((const char *)address + offset);
}

/* Has all threads allocate from one heap, which grows by `step` bytes at a time. To be called before the first thread. */
void fibd_share_heap(int step);

/* Gives what the heap has no use for back to the system. */
void fibd_trim_heap(void);

#endif
