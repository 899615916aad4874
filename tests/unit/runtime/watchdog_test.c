/* Who stands still: counters and times made up by the test. */
#include "runtime/watchdog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define STEP 50u /* milliseconds between two looks */

static struct watchdog watchdog;
static uint64_t now, counter[WATCHDOG_MOST];

static int set_up(void **state)
{
	(void)state;
	watchdog = (struct watchdog){0};
	now = 123456789;
	for (unsigned i = 0; i < WATCHDOG_MOST; i++)
		counter[i] = 1000 * i + 7;
	return 0;
}

/* Looks for so many milliseconds; the threads in `still` raise nothing meanwhile. */
static uint64_t look_for(unsigned milliseconds, uint64_t still)
{
	uint64_t stuck = 0;

	for (unsigned passed = 0; passed < milliseconds; passed += STEP) {
		now += STEP;
		for (unsigned i = 0; i < WATCHDOG_MOST; i++)
			counter[i] += (still >> i & 1) == 0;
		stuck = watchdog_look(&watchdog, now, counter, WATCHDOG_MOST);
	}
	return stuck;
}

static void those_that_stand_still_are_named(void **state)
{
	const uint64_t still = UINT64_C(1) << 63 | 1u << 5 | 1u;

	(void)state;
	assert_int_equal(look_for(10000, 0), 0);
	assert_int_equal(look_for(WATCHDOG_STUCK - STEP, still), 0);
	assert_int_equal(look_for(STEP, still), still);
	assert_int_equal(watchdog_still(&watchdog, 5), WATCHDOG_STUCK);
	assert_int_equal(watchdog_still(&watchdog, 6), 0);
	assert_int_equal(look_for(60000, still), still);
	assert_int_equal(watchdog_still(&watchdog, 63), WATCHDOG_STUCK + 60000);
	assert_int_equal(look_for(STEP, 1), 1);
	assert_int_equal(look_for(STEP, 0), 0);
}

/* From the very first look on nobody is suspected before he had the whole time. */
static void the_first_look_blames_nobody(void **state)
{
	(void)state;
	assert_int_equal(watchdog_look(&watchdog, now, counter, WATCHDOG_MOST), 0);
	assert_int_equal(look_for(WATCHDOG_STUCK - STEP, UINT64_MAX), 0);
	assert_int_equal(look_for(STEP, UINT64_MAX), UINT64_MAX);
}

static void a_thread_that_has_not_begun_is_not_stuck(void **state)
{
	(void)state;
	counter[3] = 0;
	assert_int_equal(look_for(60000, 1u << 3), 0);
	counter[3] = 1;
	assert_int_equal(look_for(WATCHDOG_STUCK, 1u << 3), 0);
	assert_int_equal(look_for(STEP, 1u << 3), 1u << 3);
}

/* Stopped and continued: all counters stood still, and none is to blame. */
static void a_pause_of_our_own_counts_for_nothing(void **state)
{
	(void)state;
	look_for(1000, 0);
	look_for(1000, 2);
	for (unsigned i = 0; i < 20; i++) {
		now += 3600000;
		assert_int_equal(watchdog_look(&watchdog, now, counter, WATCHDOG_MOST), 0);
	}
	/* What was seen before still counts. */
	assert_int_equal(watchdog_still(&watchdog, 1), 1000);
	assert_int_equal(look_for(1000, 2), 2);
}

static void only_threads_that_there_are_count(void **state)
{
	uint64_t stuck = 0;

	(void)state;
	for (unsigned passed = 0; passed <= WATCHDOG_STUCK + STEP; passed += STEP)
		stuck = watchdog_look(&watchdog, now += STEP, counter, 2);
	assert_int_equal(stuck, 3);
	assert_int_equal(watchdog_look(&watchdog, now += STEP, counter, 1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(those_that_stand_still_are_named, set_up),
	    cmocka_unit_test_setup(the_first_look_blames_nobody, set_up),
	    cmocka_unit_test_setup(a_thread_that_has_not_begun_is_not_stuck, set_up),
	    cmocka_unit_test_setup(a_pause_of_our_own_counts_for_nothing, set_up),
	    cmocka_unit_test_setup(only_threads_that_there_are_count, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
