/* The description of the interface, as a part of the program. In C, which takes a file in at once; as an array of Swift, it took the
 * release build minutes. */
#ifndef FIBD_COPENAPI_H
#define FIBD_COPENAPI_H

#include <stddef.h>

/* YAML, in UTF-8, without a zero behind it. It never changes. */
const unsigned char *fibd_openapi_start(void);
extern const size_t fibd_openapi_size;

#endif
