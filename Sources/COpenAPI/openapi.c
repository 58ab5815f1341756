#include "COpenAPI.h"

static const unsigned char bytes[] = {
#embed "openapi.yaml"
};

const size_t fibd_openapi_size = sizeof bytes;

const unsigned char *fibd_openapi_start(void) { return bytes; }
