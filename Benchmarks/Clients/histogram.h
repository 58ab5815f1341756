// Latencies in buckets 1.6 % wide, so that millions of samples cost 16 KiB and a few nanoseconds each.
#pragma once
#include <stdint.h>

struct histogram {
    uint64_t count, largest;
    uint64_t buckets[64 * 64];
};

void histogram_add(struct histogram *histogram, uint64_t nanoseconds);

// The value that this share (0…1) of the samples doesn't exceed, in microseconds; 0 without samples.
double histogram_us(const struct histogram *histogram, double share);

// Prints "p50_us":…,"p90_us":…,"p99_us":…,"p999_us":…,"max_us":… without braces, each name behind this prefix.
void histogram_print(const struct histogram *histogram, const char *prefix);
