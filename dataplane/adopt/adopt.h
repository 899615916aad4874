/* adopt.h: following what control publishes.
 *
 * The main thread watches the channel for a new arena, maps and verifies it (adopt_poll), and lets
 * it go when no worker holds it any more. A worker takes the newest root at its quiescent point
 * (adopt_newest), without a lock, a system call or a wait: if the newest root lies in an arena that
 * is not mapped yet, it stays where it is. Threads:  adopt_open, adopt_poll, adopt_close: the main
 * thread; the rest: each worker with its own index. Lifetime: an image from adopt_newest() is good
 * until the same worker's next adopt_newest() or adopt_offline(). */
#ifndef SKUA_DATAPLANE_ADOPT_ADOPT_H
#define SKUA_DATAPLANE_ADOPT_ADOPT_H

#include "zones/abi/channel.h"
#include "zones/image/reader.h"

#include <stdbool.h>
#include <sys/types.h>

struct adopt;

/* Creates <runtime-dir>/dataplane with `workers` lines and takes its lock. Needs no channel yet.
 * Returns NULL with a line for the user: directory missing, not writable, another dataplane runs
 * (pid). */
struct adopt *adopt_open(const char *runtime_dir, unsigned workers, char *error, size_t error_size);
/* Which NUMA node a worker's core is on, so that it reads the replica of the image there; -1, or
 * not called: any. Before the first adopt_poll(). */
void adopt_set_node(struct adopt *adopt, unsigned worker, int node);
/* The mapped dataplane file, to fill in listen addresses and worker descriptions. */
struct dataplane_file *adopt_file(struct adopt *adopt);
/* Looks for the channel and its newest arena; maps, verifies, unmaps. Call it at start until it
 * returns true (something can be adopted), then every millisecond or when adopt_event_fd() is
 * readable. A refusal is worded once per arena, or replica, in *refused (or NULL): instead of a
 * replica that was refused, its workers read the first. */
bool adopt_poll(struct adopt *adopt, const char **refused);
/* inotify on the runtime directory: readable when an arena or channel appeared; for poll(). */
int adopt_event_fd(struct adopt *adopt);
/* Workers have ended; removes the dataplane file. If this process has become a user that may not,
 * the file stays: without its lock, it says that nobody is here. */
void adopt_close(struct adopt *adopt);

/* Before this process becomes another user: lets `group` read what is in the runtime directory, and
 * with it what control makes there from now on. Does nothing where the directory is not root's
 * alone: then it is somebody else's to say who reads it. */
bool adopt_share(const struct adopt *adopt, gid_t group);
/* After that: whether this process may still read it (false only after a second), and whether it
 * could write there. */
bool adopt_can_read(const struct adopt *adopt);
bool adopt_can_write(const struct adopt *adopt);

/* Quiescent point: no reference that this worker borrowed outlives this call. Returns the newest
 * adoptable image, or NULL if there is none yet. *changed is set if it is another generation than
 * before. */
const struct image *adopt_newest(struct adopt *adopt, unsigned worker, bool *changed);
/* Roots that this worker has refused so far (damaged; it stayed with the image it had): for its
 * counter adopt_refused. */
uint64_t adopt_refusals(const struct adopt *adopt, unsigned worker);
/* Before sleeping: holds no image until the next adopt_newest(). */
void adopt_offline(struct adopt *adopt, unsigned worker);

#endif
