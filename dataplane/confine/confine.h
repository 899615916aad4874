/* confine.h: a dataplane that has everything open gives up the rest: its user, its capabilities,
 * and the system calls that its threads don't make. What became of it is in the log.
 *
 * Threads: the main thread. Errors: one line for the user. */
#ifndef SKUA_DATAPLANE_CONFINE_CONFINE_H
#define SKUA_DATAPLANE_CONFINE_CONFINE_H

#include "dataplane/adopt/adopt.h"
#include "dataplane/confine/account.h"
#include "dataplane/confine/call_filter.h"
#include "dataplane/io/packet_io.h"

/* Filters of the threads; all NULL: they may make any call. */
struct confine_filters {
	struct call_filter *process, *stream, *worker;
};

/* Becomes the account and keeps the capabilities that the back end needs, and if listeners come
 * and go (`follows`) the one that port 53 needs. The runtime directory
 * stays readable; where that can't be, it is refused. */
bool confine_privileges(const struct account *account, const struct packet_io_class *io_class,
			struct packet_io *io, bool follows, struct adopt *adopt,
			char error[IO_ERROR_TEXT]);

/* Makes the filters and takes on the process's, which all threads have from then on. Where the
 * kernel has no filters, or this build (call_filter_in_build()), none is made, and that is true. */
bool confine_calls(const struct packet_io_class *io_class, struct confine_filters *filters,
		   char error[IO_ERROR_TEXT]);
void confine_filters_free(struct confine_filters *filters);

#endif
