#include "dataplane/worker/cores.h"

#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void numbers_and_ranges_are_taken_in_order(void **state)
{
	struct core_list list;

	(void)state;
	assert_true(core_list_parse("7,2-4,0", &list));
	assert_int_equal(list.count, 5);
	assert_int_equal(list.core[0], 7);
	assert_int_equal(list.core[1], 2);
	assert_int_equal(list.core[3], 4);
	assert_int_equal(list.core[4], 0);
	assert_true(core_list_parse("1023", &list));
}

static void anything_else_is_refused(void **state)
{
	static const char *const bad[] = {"",	 ",",	  "1,",	  ",1",	    "1,,2",	   "3-2",
					  "1-",	 "-1",	  "a",	  "1 ",	    " 1",	   "0x1",
					  "1,1", "0-3,2", "1024", "0-1024", "99999999999", "1-2-3"};
	struct core_list list;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (core_list_parse(bad[i], &list))
			fail_msg("taken: %s", bad[i]);
	}
}

static void workers_leave_the_first_core_where_they_can(void **state)
{
	const struct core_list allowed = {.count = 3, .core = {1, 4, 6}};
	char error[200];
	int core[5];

	(void)state;
	assert_true(core_list_assign(NULL, &allowed, 2, core, error, sizeof(error)));
	assert_int_equal(core[0], 4);
	assert_int_equal(core[1], 6);
	assert_true(core_list_assign(NULL, &allowed, 5, core, error, sizeof(error)));
	assert_int_equal(core[0], 1);
	assert_int_equal(core[2], 6);
	assert_int_equal(core[3], 1);
}

static void without_any_core_workers_stay_unpinned(void **state)
{
	const struct core_list allowed = {.count = 0};
	char error[200];
	int core[1];

	(void)state;
	assert_true(core_list_assign(NULL, &allowed, 1, core, error, sizeof(error)));
	assert_int_equal(core[0], -1);
}

static void cores_that_can_be_had_are_named(void **state)
{
	const struct core_list allowed = {.count = 6, .core = {0, 1, 2, 5, 7, 8}};
	char error[200];

	(void)state;
	assert_true(core_is_allowed("--kernel-core", 7, &allowed, error, sizeof(error)));
	assert_false(core_is_allowed("--kernel-core", 77, &allowed, error, sizeof(error)));
	assert_non_null(strstr(error, "--kernel-core: core 77 "));
	assert_non_null(strstr(error, "it may use 0-2,5,7-8 "));
}

static void the_list_of_the_operator_counts(void **state)
{
	const struct core_list allowed = {.count = 3, .core = {1, 4, 6}};
	const struct core_list wanted = {.count = 2, .core = {6, 1}};
	const struct core_list foreign = {.count = 1, .core = {5}};
	char error[200];
	int core[3];

	(void)state;
	assert_true(core_list_assign(&wanted, &allowed, 2, core, error, sizeof(error)));
	assert_int_equal(core[0], 6);
	assert_int_equal(core[1], 1);
	assert_false(core_list_assign(&wanted, &allowed, 3, core, error, sizeof(error)));
	assert_non_null(strstr(error, "2 cores for 3 workers"));
	assert_false(core_list_assign(&foreign, &allowed, 1, core, error, sizeof(error)));
	assert_non_null(strstr(error, "core 5"));
	assert_non_null(strstr(error, "it may use 1,4,6 "));
}

static void pinning_pins_this_thread(void **state)
{
	struct core_list allowed;
	cpu_set_t before, after;

	(void)state;
	core_list_allowed(&allowed);
	assert_true(allowed.count > 0);
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	assert_int_equal(pin_to_core(allowed.core[allowed.count - 1]), 0);
	assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
	assert_int_equal(CPU_COUNT(&after), 1);
	assert_true(CPU_ISSET((size_t)allowed.core[allowed.count - 1], &after));
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	assert_int_not_equal(pin_to_core(CORES_MAX - 1), 0);
}

/* The first version of the kernel's struct sched_attr. */
struct schedule {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static struct schedule own_schedule(void)
{
	struct schedule schedule = {0};

	assert_int_equal(syscall(SYS_sched_getattr, 0, &schedule, sizeof(schedule), 0), 0);
	return schedule;
}

/* A kernel that knows no turns of its threads' own says 0. */
static void turns_get_short_and_nothing_else_changes(void **state)
{
	struct schedule before = own_schedule(), after;

	(void)state;
	take_short_turns();
	after = own_schedule();
	assert_int_equal(after.policy, before.policy);
	assert_int_equal(after.nice, before.nice);
	assert_int_equal(after.flags, before.flags);
	if (before.policy == SCHED_OTHER)
		assert_int_equal(after.runtime, before.runtime == 0 ? 0 : 100000);
}

static void a_policy_of_the_operator_stays(void **state)
{
	const struct sched_param none = {0};
	struct schedule before, after;

	(void)state;
	assert_int_equal(sched_setscheduler(0, SCHED_BATCH, &none), 0);
	before = own_schedule();
	take_short_turns();
	after = own_schedule();
	assert_int_equal(after.policy, SCHED_BATCH);
	assert_memory_equal(&after, &before, sizeof(after));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_and_ranges_are_taken_in_order),
	    cmocka_unit_test(anything_else_is_refused),
	    cmocka_unit_test(workers_leave_the_first_core_where_they_can),
	    cmocka_unit_test(without_any_core_workers_stay_unpinned),
	    cmocka_unit_test(the_list_of_the_operator_counts),
	    cmocka_unit_test(cores_that_can_be_had_are_named),
	    cmocka_unit_test(pinning_pins_this_thread),
	    cmocka_unit_test(turns_get_short_and_nothing_else_changes),
	    cmocka_unit_test(a_policy_of_the_operator_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
