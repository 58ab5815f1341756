#include "CMemory.h"

#include <malloc.h>

void fibd_share_heap(int step) {
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TOP_PAD, step);
}

void fibd_trim_heap(void) {
    malloc_trim(0);
}
