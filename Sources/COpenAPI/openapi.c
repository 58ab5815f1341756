#include "COpenAPI.h"

static const unsigned char bytes[] = {
#embed "openapi.yaml"
};

size_t fibd_openapi_size(void) { return sizeof bytes; }

unsigned char fibd_openapi_byte(size_t at) { return at < sizeof bytes ? bytes[at] : 0; }
