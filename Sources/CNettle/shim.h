// SHA-256 for entry hashes. nettle is already in the process: libmicrohttpd brings it through GnuTLS.
#include <nettle/sha2.h>
