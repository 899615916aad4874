/* dpdk_arguments.h: what the operator wrote behind "dpdk:" -> an argument vector for DPDK's EAL.
 *
 * Pure: knows the EAL's option names, nothing else of DPDK. Threads: any. */
#ifndef SKUA_DATAPLANE_IO_DPDK_ARGUMENTS_H
#define SKUA_DATAPLANE_IO_DPDK_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#define DPDK_ARGUMENTS_MAX  64
#define DPDK_ARGUMENTS_TEXT 8192u

struct dpdk_arguments {
	int count;
	char *argument[DPDK_ARGUMENTS_MAX + 1]; /* ends with NULL; point into text */
	char text[DPDK_ARGUMENTS_TEXT];
	size_t used; /* octets of text */
};

/* Splits as a shell would: blanks part; '...' is literal; inside "..." and outside of quotes a
 * backslash takes the next character as it is. argument[0] is `program`. False with a line for the
 * user: a quote without its end, too many or too long. */
bool dpdk_arguments_split(struct dpdk_arguments *out, const char *program, const char *text,
			  char *error, size_t error_size);

/* Adds one; false if there is no room. */
bool dpdk_arguments_add(struct dpdk_arguments *out, const char *argument);

/* True if `option` is there: "-l" also as "-l0", "--in-memory" also as "--in-memory=...". */
bool dpdk_arguments_has(const struct dpdk_arguments *arguments, const char *option);

#endif
