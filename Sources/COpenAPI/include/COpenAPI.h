/* The description of the interface, as a part of the program. In C, which takes a file in at once; as an array of Swift, it took the
 * release build minutes. */
#ifndef FIBD_COPENAPI_H
#define FIBD_COPENAPI_H

#include <stddef.h>

/* YAML, in UTF-8. Byte by byte, so that Swift needs no pointer to it; it is read once. */
size_t fibd_openapi_size(void);
/* 0 behind the end. */
unsigned char fibd_openapi_byte(size_t at);

#endif
