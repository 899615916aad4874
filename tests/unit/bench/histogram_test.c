/* Percentiles of a histogram against those of the values themselves, sorted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/histogram.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES 20000u

static uint64_t next(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 11;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* From 0 to 2^39, each power of two as likely. */
static void fill(struct histogram *histogram, uint64_t *values)
{
	uint64_t state = 7;

	memset(histogram, 0, sizeof(*histogram));
	for (unsigned i = 0; i < VALUES; i++) {
		unsigned bits = (unsigned)(next(&state) % 40);

		values[i] = next(&state) & ((1ull << bits) - 1);
		histogram_add(histogram, values[i]);
	}
	qsort(values, VALUES, sizeof(values[0]), compare);
}

static void quantiles_are_near(void **context)
{
	static const double parts[] = {0.0001, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};
	static struct histogram histogram;
	static uint64_t values[VALUES];

	(void)context;
	fill(&histogram, values);
	assert_int_equal(histogram.total, VALUES);
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint64_t exact = values[(unsigned)ceil(parts[i] * VALUES) - 1];
		uint64_t found = histogram_quantile(&histogram, parts[i]);

		/* Never less; at most a bucket more. */
		assert_true(found >= exact);
		assert_true(found - exact <= exact / HISTOGRAM_HALF);
	}
}

static void small_values_are_exact(void **context)
{
	struct histogram *histogram = calloc(1, sizeof(*histogram));

	(void)context;
	for (uint64_t value = 0; value < 2 * HISTOGRAM_HALF; value++)
		histogram_add(histogram, value);
	for (uint64_t value = 0; value < 2 * HISTOGRAM_HALF; value++) {
		double part = (double)(value + 1) / (2 * HISTOGRAM_HALF);

		assert_int_equal(histogram_quantile(histogram, part), value);
	}
	free(histogram);
}

static void extremes(void **context)
{
	struct histogram *histogram = calloc(1, sizeof(*histogram));

	(void)context;
	assert_int_equal(histogram_quantile(histogram, 0.5), 0);
	histogram_add(histogram, UINT64_MAX);
	assert_int_equal(histogram->total, 1);
	assert_true(histogram_quantile(histogram, 1) >= 1ull << 40);
	free(histogram);
}

static void printed(void **context)
{
	struct histogram *histogram = calloc(1, sizeof(*histogram));
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	(void)context;
	histogram_add(histogram, 5);
	histogram_add(histogram, 5);
	histogram_add(histogram, 128);
	histogram_add(histogram, 129);
	histogram_print(histogram, out);
	fclose(out);
	assert_string_equal(text, "5:2,129:2");
	free(text);
	free(histogram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(quantiles_are_near),
	    cmocka_unit_test(small_values_are_exact),
	    cmocka_unit_test(extremes),
	    cmocka_unit_test(printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
