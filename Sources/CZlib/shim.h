// zlib, and what of it are macros, which Swift doesn't see.
#include <zlib.h>

/* Raw deflate, without a header or trailer of its own. */
static inline int fibd_deflate_init(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
}

static inline int fibd_inflate_gzip_init(z_stream *stream) {
    return inflateInit2(stream, MAX_WBITS + 16);
}
