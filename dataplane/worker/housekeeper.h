/* housekeeper.h: the one thread that does what a back end has to do beside the workers, such as
 * the exchange of frames with the kernel.
 *
 * Threads:   all functions: the main thread.
 * Lifetime:  adopt and the back end outlive it. */
#ifndef SKUA_DATAPLANE_WORKER_HOUSEKEEPER_H
#define SKUA_DATAPLANE_WORKER_HOUSEKEEPER_H

#include "dataplane/adopt/adopt.h"
#include "dataplane/confine/call_filter.h"
#include "dataplane/io/packet_io.h"

struct housekeeper_config {
	struct adopt *adopt;
	const struct packet_io_class *io_class;
	struct packet_io *io;
	unsigned index;			  /* our line in the dataplane file */
	int core;			  /* pinned to this core; -1: not pinned */
	bool drop_capabilities;		  /* by the thread: those that the main one has kept */
	const struct call_filter *filter; /* taken on by the thread; NULL: any system call */
};

struct housekeeper;

/* Requires: io_class->describe_housekeeping(io) is not NULL. Returns NULL with a line for the user:
 * no thread to be had, core can't be used, the filter can't be had. */
struct housekeeper *housekeeper_start(const struct housekeeper_config *config, char *error,
				      size_t error_size);
/* Asks it to end after its round, waits for that, and frees it. NULL is fine. */
void housekeeper_stop(struct housekeeper *housekeeper);

#endif
