/* When a daemon that died is started again. */
#include "control/cli/restart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void killed_is_back_at_once(void **state)
{
	struct restart restart = {0};

	(void)state;
	for (unsigned i = 0; i < RESTART_QUICK; i++)
		assert_int_equal(restart_pause(&restart, 0, false), 0);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(restart_pause(&restart, 0, false), RESTART_PAUSE);
}

static void living_forgives(void **state)
{
	struct restart restart = {0};

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(restart_pause(&restart, 0, false), 0);
		if (i % 10 == 9)
			assert_int_equal(restart_pause(&restart, RESTART_SETTLED, false), 0);
	}
}

static void refusals_wait_longer_each_time(void **state)
{
	struct restart restart = {0};
	uint32_t last = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		uint32_t pause = restart_pause(&restart, 0, true);

		assert_true(pause >= last && pause >= RESTART_SETTLED);
		assert_true(pause <= RESTART_REFUSED_MOST);
		last = pause;
	}
	assert_int_equal(last, RESTART_REFUSED_MOST);
	restart_pause(&restart, RESTART_SETTLED, false);
	assert_int_equal(restart_pause(&restart, 0, true), RESTART_SETTLED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(killed_is_back_at_once),
	    cmocka_unit_test(living_forgives),
	    cmocka_unit_test(refusals_wait_longer_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
