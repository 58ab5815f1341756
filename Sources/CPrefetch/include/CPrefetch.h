/* A hint to the processor that Swift has no word for. */
#ifndef FIBD_CPREFETCH_H
#define FIBD_CPREFETCH_H

#include <stddef.h>

/* Asks for `bytes` from `address` on to be loaded into the caches, and returns at once. Never faults. Any thread. */
void fibd_prefetch(const void *address, size_t bytes);

#endif
