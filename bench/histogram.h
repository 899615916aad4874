/* histogram.h: counts of durations in buckets whose width grows with the value.
 *
 * Log-linear, as HdrHistogram's: values up to 127 have a bucket each; above, each power of two is
 * cut into 64, so a bucket is at most 1/64 of its value wide. Values: nanoseconds.
 * Threads: one. Source: HdrHistogram. */
#ifndef SKUA_BENCH_HISTOGRAM_H
#define SKUA_BENCH_HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

#define HISTOGRAM_HALF 64u
#define HISTOGRAM_BUCKETS                                                                          \
	(HISTOGRAM_HALF * 36u) /* up to 2^40 ns: 18 minutes; more counts as that */

struct histogram {
	uint64_t count[HISTOGRAM_BUCKETS];
	uint64_t total;
};

void histogram_add(struct histogram *histogram, uint64_t value);
/* The largest value of the bucket in which the fraction `part` (0 to 1) of all is reached; 0 of
 * nothing. */
uint64_t histogram_quantile(const struct histogram *histogram, double part);
/* VALUE:COUNT,… of the buckets that hold something, VALUE the largest of the bucket. */
void histogram_print(const struct histogram *histogram, FILE *out);

#endif
