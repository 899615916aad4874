/* dataplane_watch.h: control's view of the dataplanes of its runtime directory, none of which it
 * trusts.
 *
 * A dataplane lives as long as it holds the lock on its file: the kernel drops the lock only after
 * its last thread has run, so who gets it knows that nothing of the image is held any more.
 * Normally there is one; while a restart goes on, or if somebody removed the file, there may be
 * more, and the oldest generation of all of them counts.
 *
 * Files are read, not mapped: who writes them could cut them off under a mapping.
 * Threads: control's only. */
#ifndef SKUA_CONTROL_PUBLISH_DATAPLANE_WATCH_H
#define SKUA_CONTROL_PUBLISH_DATAPLANE_WATCH_H

#include "zones/abi/channel.h"

#include <stdbool.h>
#include <sys/types.h>

#define DATAPLANES_MAX 4u

struct watched {
	bool taken; /* else this entry is free */
	int fd;
	dev_t device;
	ino_t inode;
};

struct dataplane_watch {
	int runtime_fd; /* borrowed */
	struct watched at[DATAPLANES_MAX];
	const struct watched *named; /* the one that has the name now, or NULL */
	bool crowded;		     /* a live one did not fit: nothing may be freed */
	struct dataplane_file *copy; /* of its file */
};

/* Forgets the dead, takes up the one that has the name now. A file that is no dataplane's, or one
 * of another ABI, is left alone: such a dataplane refuses our channel too, and holds nothing of
 * ours. */
void dataplane_watch_refresh(struct dataplane_watch *watch);
void dataplane_watch_close(struct dataplane_watch *watch);

/* What the file of that name says now, or NULL. A copy, good until the next call. */
const struct dataplane_file *dataplane_watch_named(struct dataplane_watch *watch);

/* Smallest generation of arena_id that a worker may still touch; WORKER_ATTACHING: anything;
 * UINT64_MAX: nobody holds anything. Requires: refreshed after the last store of the root. */
uint64_t dataplane_watch_seen(const struct dataplane_watch *watch, uint64_t arena_id);

#endif
