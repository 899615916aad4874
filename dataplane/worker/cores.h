/* cores.h: which processor core each worker is pinned to.
 *
 * Threads: the main thread; pin_to_core() and take_short_turns() are for the thread that calls
 * them.
 */
#ifndef SKUA_DATAPLANE_WORKER_CORES_H
#define SKUA_DATAPLANE_WORKER_CORES_H

#include <stdbool.h>
#include <stddef.h>

#define CORES_MAX 1024u /* CPU_SETSIZE */

struct core_list {
	unsigned count;
	int core[CORES_MAX];
};

/* "0,2-3": cores in the order of the text. False for anything else: empty parts, ranges that run
 * backwards, a core twice, a number of CORES_MAX or more; *list is then unspecified. */
bool core_list_parse(const char *text, struct core_list *list);

/* The cores that this process may run on, ascending. */
void core_list_allowed(struct core_list *list);

/* A core for each of `workers`. wanted: the operator's list, worker i on its i-th core; or NULL:
 * spread over the allowed cores, leaving the first one to the other threads where there are enough.
 * False with a line for the user: fewer cores than workers, or a core that we may not use. */
bool core_list_assign(const struct core_list *wanted, const struct core_list *allowed,
		      unsigned workers, int *core, char *error, size_t error_size);

/* False with a line for the user that names the cores which are. option: whose value it is. */
bool core_is_allowed(const char *option, int core, const struct core_list *allowed, char *error,
		     size_t error_size);

/* Has the thread that calls it run in short turns, but not longer in all: when a packet wakes it,
 * it then comes before whoever has its core at the moment, not up to some milliseconds later. Needs
 * no privilege. Linux before 6.12 ignores it, and a thread that the operator gave a policy of its
 * own (chrt, CPUSchedulingPolicy=) keeps that. Source: Linux, Documentation/scheduler/sched-eevdf.
 */
void take_short_turns(void);

/* Returns 0 or an errno. */
int pin_to_core(int core);

#endif
