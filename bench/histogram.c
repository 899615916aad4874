#include "bench/histogram.h"

#include <inttypes.h>

static unsigned bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < 2 * HISTOGRAM_HALF)
		return (unsigned)value;
	shift = 63u - (unsigned)__builtin_clzll(value) - 6u; /* 64 <= value >> shift < 128 */
	unsigned bucket = shift * HISTOGRAM_HALF + (unsigned)(value >> shift);
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static uint64_t largest_of(unsigned bucket)
{
	if (bucket < 2 * HISTOGRAM_HALF)
		return bucket;
	unsigned shift = bucket / HISTOGRAM_HALF - 1;
	uint64_t start = bucket % HISTOGRAM_HALF + HISTOGRAM_HALF;

	return ((start + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
	histogram->count[bucket_of(value)]++;
	histogram->total++;
}

uint64_t histogram_quantile(const struct histogram *histogram, double part)
{
	double wanted = part * (double)histogram->total;
	uint64_t seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->count[i];
		if (histogram->count[i] > 0 && (double)seen >= wanted)
			return largest_of(i);
	}
	return 0;
}

void histogram_print(const struct histogram *histogram, FILE *out)
{
	const char *comma = "";

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (histogram->count[i] == 0)
			continue;
		fprintf(out, "%s%" PRIu64 ":%" PRIu64, comma, largest_of(i), histogram->count[i]);
		comma = ",";
	}
}
