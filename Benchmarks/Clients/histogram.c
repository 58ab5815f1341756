#include "histogram.h"

#include <stddef.h>
#include <stdio.h>

// Values below 64 have a bucket each; above, the six bits after the highest one choose among 64 buckets a power of two.
static unsigned bucket_of(uint64_t value) {
    if (value < 64) return (unsigned)value;
    unsigned exponent = 63 - (unsigned)__builtin_clzll(value);
    return (exponent - 5) * 64 + (unsigned)(value >> (exponent - 6) & 63);
}

static uint64_t top_of(unsigned bucket) {
    if (bucket < 64) return bucket;
    unsigned exponent = bucket / 64 + 5;
    return (uint64_t)(64 + bucket % 64 + 1) << (exponent - 6);
}

void histogram_add(struct histogram *histogram, uint64_t nanoseconds) {
    histogram->count++;
    histogram->buckets[bucket_of(nanoseconds)]++;
    if (nanoseconds > histogram->largest) histogram->largest = nanoseconds;
}

double histogram_us(const struct histogram *histogram, double share) {
    uint64_t seen = 0;
    for (unsigned i = 0; i < 64 * 64; i++) {
        seen += histogram->buckets[i];
        if (seen == 0 || (double)seen < share * (double)histogram->count) continue;
        return (double)(top_of(i) < histogram->largest ? top_of(i) : histogram->largest) / 1e3;
    }
    return 0;
}

void histogram_print(const struct histogram *histogram, const char *prefix) {
    static const struct {
        const char *name;
        double share;
    } shares[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        printf("\"%s%s_us\":%.1f,", prefix, shares[i].name, histogram_us(histogram, shares[i].share));
    printf("\"%smax_us\":%.1f", prefix, (double)histogram->largest / 1e3);
}
