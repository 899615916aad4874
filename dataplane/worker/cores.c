#include "dataplane/worker/cores.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SHORT_TURN 100000u /* nanoseconds, the least that there is */

/* A decimal number below CORES_MAX at *at, which moves behind it; -1 if there is none. */
static int take_core(const char **at)
{
	size_t digits = strspn(*at, "0123456789");
	long core;

	if (digits == 0 || digits > 4)
		return -1;
	core = strtol(*at, NULL, 10);
	*at += digits;
	return core < (long)CORES_MAX ? (int)core : -1;
}

static bool contains(const struct core_list *list, int core)
{
	for (unsigned i = 0; i < list->count; i++) {
		if (list->core[i] == core)
			return true;
	}
	return false;
}

static bool append_range(struct core_list *list, int first, int last)
{
	for (int core = first; core <= last; core++) {
		if (contains(list, core))
			return false;
		list->core[list->count++] = core;
	}
	return first <= last;
}

bool core_list_parse(const char *text, struct core_list *list)
{
	list->count = 0;
	for (;;) {
		int first = take_core(&text), last = first;

		if (first >= 0 && *text == '-') {
			text++;
			last = take_core(&text);
		}
		if (first < 0 || last < 0 || !append_range(list, first, last))
			return false;
		if (*text == '\0')
			return true;
		if (*text++ != ',')
			return false;
	}
}

void core_list_allowed(struct core_list *list)
{
	cpu_set_t set;

	list->count = 0;
	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return;
	for (int core = 0; core < CPU_SETSIZE && core < (int)CORES_MAX; core++) {
		if (CPU_ISSET(core, &set))
			list->core[list->count++] = core;
	}
}

static void spread(const struct core_list *allowed, unsigned workers, int *core)
{
	unsigned first = workers < allowed->count ? 1 : 0;

	for (unsigned i = 0; i < workers; i++)
		core[i] = allowed->count ? allowed->core[(first + i) % allowed->count] : -1;
}

/* "0-2,5" */
static void write_ranges(const struct core_list *list, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned i = 0, last; i < list->count && used < size; i = last + 1) {
		for (last = i; last + 1 < list->count; last++)
			if (list->core[last + 1] != list->core[last] + 1)
				break;
		used += (size_t)snprintf(text + used, size - used, last > i ? "%s%d-%d" : "%s%d",
					 i > 0 ? "," : "", list->core[i], list->core[last]);
	}
}

bool core_is_allowed(const char *option, int core, const struct core_list *allowed, char *error,
		     size_t error_size)
{
	char ranges[160];

	if (contains(allowed, core))
		return true;
	write_ranges(allowed, ranges, sizeof(ranges));
	snprintf(error, error_size,
		 "%s: core %d is not one that this process may run on; it may use %s (see taskset "
		 "-p %d, cpuset)",
		 option, core, ranges, (int)getpid());
	return false;
}

bool core_list_assign(const struct core_list *wanted, const struct core_list *allowed,
		      unsigned workers, int *core, char *error, size_t error_size)
{
	if (!wanted) {
		spread(allowed, workers, core);
		return true;
	}
	if (wanted->count < workers) {
		snprintf(error, error_size,
			 "--cores names %u core%s for %u workers: name one for each, or lower "
			 "--workers",
			 wanted->count, wanted->count == 1 ? "" : "s", workers);
		return false;
	}
	for (unsigned i = 0; i < workers; i++) {
		core[i] = wanted->core[i];
		if (!core_is_allowed("--cores", core[i], allowed, error, error_size))
			return false;
	}
	return true;
}

/* As in linux/sched/types.h, which clashes with sched.h; the first version of it. */
struct schedule {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

void take_short_turns(void)
{
	struct schedule schedule = {.size = sizeof(schedule)};

	if (syscall(SYS_sched_getattr, 0, &schedule, sizeof(schedule), 0) != 0 ||
	    schedule.policy != SCHED_OTHER)
		return;
	schedule.runtime = SHORT_TURN;
	syscall(SYS_sched_setattr, 0, &schedule, 0);
}

int pin_to_core(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)core, &set);
	return pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}
