// Just enough of HTTP/1.1 to speak to servers on the same machine.
#pragma once
#include <stdbool.h>
#include <stddef.h>

// The length of the head that begins here, blank line included, or 0 as long as it isn't complete.
size_t http_head(const char *bytes, size_t length);

// The length of the first whole answer, head and body, or 0 as long as it isn't complete. An answer must give its
// length; one that doesn't ends the program.
size_t http_answer(const char *bytes, size_t length, int *status);

// A whole request. `type` is the body's media type; without a body it is NULL.
size_t http_request(char *out, const char *method, const char *path, const char *type, const char *body);
