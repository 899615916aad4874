#include "dataplane/io/steering_dispatcher.h"

#include "dataplane/io/steer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#define BPFFS	      "/sys/fs/bpf" /* as libxdp has it, unless LIBXDP_BPFFS says otherwise */
#define PRIORITY      20	    /* that of libxdp's own programs for AF_XDP; lower goes first */
#define LEAVING_TRIES 400	    /* times LEAVING_PAUSE: a dead process may hold the lock */
#define LEAVING_PAUSE 5000000

struct steering_dispatcher {
	const char *interface;
	unsigned index;
	int lock;
	struct xdp_program *program;
};

static bool refuse(const struct steering_dispatcher *dispatcher, const char *what, long reason,
		   char error[IO_ERROR_TEXT])
{
	snprintf(error, IO_ERROR_TEXT,
		 "%s has libxdp's dispatcher, which other programs use: %s (%s); see it with "
		 "`xdp-loader status %s`. It needs root, and the bpffs that it was made with "
		 "(`mount -t bpf bpf /sys/fs/bpf`)",
		 dispatcher->interface, what, strerror(reason < 0 ? (int)-reason : (int)reason),
		 dispatcher->interface);
	return false;
}

/* Only root may make or open it. */
static int open_lock(unsigned index)
{
	const char *bpffs = getenv("LIBXDP_BPFFS");
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/skua-%u", bpffs ? bpffs : BPFFS, index);
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static bool take_lock(struct steering_dispatcher *dispatcher, char error[IO_ERROR_TEXT])
{
	dispatcher->lock = open_lock(dispatcher->index);
	if (dispatcher->lock < 0)
		return refuse(dispatcher, "its bpffs can't be written to", errno, error);
	for (unsigned i = 0; i < LEAVING_TRIES; i++) {
		if (flock(dispatcher->lock, LOCK_EX | LOCK_NB) == 0)
			return true;
		nanosleep(&(struct timespec){.tv_nsec = LEAVING_PAUSE}, NULL);
	}
	snprintf(error, IO_ERROR_TEXT, "another Skua serves %s: stop it first",
		 dispatcher->interface);
	return false;
}

/* NULL: the interface has no dispatcher (any more), and *reason is 0; or it can't be read. */
static struct xdp_multiprog *read_dispatcher(unsigned index, long *reason)
{
	struct xdp_multiprog *all = xdp_multiprog__get_from_ifindex((int)index);

	*reason = libxdp_get_error(all);
	if (*reason == -ENOENT)
		*reason = 0;
	if (libxdp_get_error(all) != 0)
		return NULL;
	if (!xdp_multiprog__is_legacy(all))
		return all;
	xdp_multiprog__close(all);
	*reason = EEXIST;
	return NULL;
}

static struct xdp_program *find_ours(const struct xdp_multiprog *all)
{
	struct xdp_program *at = NULL;

	while ((at = xdp_multiprog__next_prog(at, all)))
		if (strcmp(xdp_program__name(at), STEER_PROGRAM) == 0)
			return at;
	return NULL;
}

/* *found: one was there, and has been taken out. */
static bool take_out_one(struct steering_dispatcher *dispatcher, bool *found, bool *alone,
			 char error[IO_ERROR_TEXT])
{
	struct xdp_program *ours;
	struct xdp_multiprog *all;
	long reason;

	*found = false;
	all = read_dispatcher(dispatcher->index, &reason);
	*alone = !all && reason == 0;
	if (!all)
		return reason == 0 || refuse(dispatcher, "it can't be read", reason, error);
	ours = find_ours(all);
	if (ours)
		reason = xdp_program__detach(ours, (int)dispatcher->index,
					     xdp_multiprog__attach_mode(all), 0);
	*found = ours && reason == 0;
	xdp_multiprog__close(all);
	return reason == 0 ||
	       refuse(dispatcher, "the program of an earlier Skua can't be taken out of it", reason,
		      error);
}

struct steering_dispatcher *dispatcher_open(const char *interface, unsigned index, bool *alone,
					    char error[IO_ERROR_TEXT])
{
	struct steering_dispatcher *dispatcher = calloc(1, sizeof(*dispatcher));
	bool good, found = true;

	libxdp_set_print(NULL); /* our message says it */
	if (!dispatcher) {
		snprintf(error, IO_ERROR_TEXT, "out of memory for libxdp's dispatcher");
		return NULL;
	}
	*dispatcher = (struct steering_dispatcher){interface, index, -1, NULL};
	good = take_lock(dispatcher, error);
	while (good && found)
		good = take_out_one(dispatcher, &found, alone, error);
	if (good)
		return dispatcher;
	dispatcher_close(dispatcher);
	return NULL;
}

bool dispatcher_join(struct steering_dispatcher *dispatcher, struct bpf_object *object,
		     bool *native, char error[IO_ERROR_TEXT])
{
	long reason;
	struct xdp_multiprog *all = read_dispatcher(dispatcher->index, &reason);
	enum xdp_attach_mode mode;

	if (!all)
		return refuse(dispatcher, "it can't be read", reason, error);
	mode = xdp_multiprog__attach_mode(all);
	xdp_multiprog__close(all);
	*native = mode == XDP_MODE_NATIVE;
	dispatcher->program = xdp_program__from_bpf_obj(object, "xdp");
	reason = libxdp_get_error(dispatcher->program);
	if (reason != 0) {
		dispatcher->program = NULL;
		return refuse(dispatcher, "our program does not fit it", reason, error);
	}
	xdp_program__set_run_prio(dispatcher->program, PRIORITY);
	xdp_program__set_chain_call_enabled(dispatcher->program, XDP_PASS, true);
	reason = xdp_program__attach(dispatcher->program, (int)dispatcher->index, mode, 0);
	return reason == 0 ||
	       refuse(dispatcher, "it does not take ours beside them", reason, error);
}

void dispatcher_close(struct steering_dispatcher *dispatcher)
{
	if (!dispatcher)
		return;
	if (dispatcher->program)
		xdp_program__close(dispatcher->program);
	if (dispatcher->lock >= 0)
		close(dispatcher->lock);
	free(dispatcher);
}
