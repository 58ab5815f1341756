#include "CPrefetch.h"

enum { cache_line = 64 };

void fibd_prefetch(const void *address, size_t bytes) {
    const char *start = address;

    for (size_t offset = 0; offset < bytes; offset += cache_line)
        __builtin_prefetch(start + offset);
}
