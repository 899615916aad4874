/* area_test.c: what an area holds survives its growth, small to large to many times as large; once
 * large it stays where it is until what was reserved is used up. */
#include "zones/memory/area.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static uint8_t mark(size_t at)
{
	return (uint8_t)(at * 2654435761u >> 13);
}

static void fill(uint8_t *area, size_t from, size_t to)
{
	for (size_t at = from; at < to; at++)
		area[at] = mark(at);
}

static void check(const uint8_t *area, size_t octets)
{
	for (size_t at = 0; at < octets; at++)
		assert_int_equal(area[at], mark(at));
}

static void test_contents(void **unused)
{
	static const size_t sizes[] = {1,
				       24,
				       127,
				       129,
				       5000,
				       AREA_LARGE - 1,
				       AREA_LARGE,
				       AREA_LARGE + 1,
				       3 * AREA_LARGE,
				       40 * AREA_LARGE};
	uint8_t *area = NULL;
	size_t room = 0, used = 0;

	(void)unused;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		area = area_grow(area, &room, used, sizes[i]);
		assert_true(room >= sizes[i]);
		check(area, used);
		fill(area, used, sizes[i]);
		used = sizes[i];
	}
	check(area, used);
	area_free(area, room);
}

static void test_stays_once_large(void **unused)
{
	size_t room = 0;
	uint8_t *area = area_grow(NULL, &room, 0, AREA_LARGE);
	const uint8_t *where = area;

	(void)unused;
	assert_int_equal((uintptr_t)area % AREA_LARGE, 0);
	fill(area, 0, AREA_LARGE);
	for (size_t octets = AREA_LARGE; octets <= 8 * (size_t)AREA_LARGE;
	     octets += AREA_LARGE / 2) {
		area = area_grow(area, &room, AREA_LARGE, octets);
		assert_ptr_equal(area, where);
		area[octets - 1] = 1;
	}
	area_free(area, room);
}

static void test_small_steps_are_few(void **unused)
{
	uint8_t *area = NULL;
	size_t room = 0;
	unsigned steps = 0;

	(void)unused;
	for (size_t octets = 1; octets < 100000; octets++) {
		size_t had = room;

		area = area_grow(area, &room, octets - 1, octets);
		steps += room != had;
		assert_true(room < 2 * octets || room <= 128);
	}
	assert_in_range(steps, 1, 20);
	area_free(area, room);
}

static void test_memory(void **unused)
{
	(void)unused;
	assert_int_equal(area_memory(0, 0), 0);
	assert_int_equal(area_memory(5000, 10), 5000);
	assert_int_equal(area_memory(64 * (size_t)AREA_LARGE, 1), AREA_LARGE);
	assert_int_equal(area_memory(64 * (size_t)AREA_LARGE, AREA_LARGE + 1),
			 2 * (size_t)AREA_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_contents),
	    cmocka_unit_test(test_stays_once_large),
	    cmocka_unit_test(test_small_steps_are_few),
	    cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
