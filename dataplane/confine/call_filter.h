/* call_filter.h: which system calls a thread may make (seccomp).
 *
 * A call that is not allowed ends the process with SIGSYS, after one line in the log that names the
 * thread and the call. What is allowed: calls.def, and what the back end adds.
 *
 * Threads: call_filter_new, call_filter_free, call_filter_report: the main thread;
 *          call_filter_enter: any, for itself. Filters add up: what one forbids stays forbidden.
 * Errors:  values of errno, or one line for the user.
 * Source:  seccomp(2), seccomp_rule_add(3). */
#ifndef SKUA_DATAPLANE_CONFINE_CALL_FILTER_H
#define SKUA_DATAPLANE_CONFINE_CALL_FILTER_H

#include <stdbool.h>
#include <stddef.h>

/* Whose calls: PROCESS is what all threads have together. */
enum call_threads { CALL_MAIN = 1, CALL_STREAM = 2, CALL_WORKER = 4, CALL_PROCESS = 7 };

struct call_filter;

/* Sanitizers make calls of their own, at any time: no filter in such a build. */
bool call_filter_in_build(void);

/* first, second: names of further calls, each NULL-ended or NULL. Returns NULL with *error set. */
struct call_filter *call_filter_new(enum call_threads threads, const char *const *first,
				    const char *const *second, char *error, size_t error_size);
void call_filter_free(struct call_filter *filter); /* NULL is fine */

/* From now on a call that is refused is logged. Once, before the first filter. */
bool call_filter_report(void);

/* This thread takes the filter on, or with `all` every thread of the process. Returns 0 or errno;
 * ENOSYS or EINVAL: the kernel has no such filters. Requires: privilege_no_new(). */
int call_filter_enter(const struct call_filter *filter, bool all);

#endif
