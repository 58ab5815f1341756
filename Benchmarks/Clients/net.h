// What every program here needs of the system: sockets, the clock, and a way to give up with a sentence.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Prints "PROGRAM: message" to standard error, with the system's reason if errno is set, and exits with 1.
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Nanoseconds of a clock that only goes forward.
uint64_t now_ns(void);
double seconds_since(uint64_t start_ns);

// The value of an option, or the end of the program if it is no number within the bounds.
double number(const char *text, const char *name, double least, double most);

// A connection to HOST:PORT (an IPv4 address), without Nagle's delay. Blocking.
int connect_to(const char *address);
// The same with a receive buffer of so many bytes; with 0, as the system likes.
int connect_with_buffer(const char *address, int bytes);

// A socket that listens on 127.0.0.1, port 0 for a free one. Prints {"address":"127.0.0.1:PORT"} to standard output.
int listen_on(int port);
int accept_from(int listener);

void set_nonblocking(int fd);
void send_all(int fd, const char *bytes, size_t length);

// Watches a descriptor for input, level-triggered. `tag` comes back in the event.
void watch(int epoll, int fd, void *tag);

// As many descriptors as the system lets us have; ends the program if that is fewer than `needed`.
void allow_descriptors(size_t needed);

// A whole file in memory.
char *read_file(const char *path, size_t *length);
void *allocate(size_t bytes);
