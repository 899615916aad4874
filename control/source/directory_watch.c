#include "control/source/directory_watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVENTS                                                                                     \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB |        \
	 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define RETRY_MISSING 1000u

struct directory_watch {
	int fd;
	uv_poll_t poll;
	uv_timer_t timer;
	uint64_t burst_began; /* 0: no event waits to be told of */
	void (*changed)(void *context);
	void *context;
	unsigned open_handles;
};

static void tell(uv_timer_t *timer)
{
	struct directory_watch *watch = timer->data;

	watch->burst_began = 0;
	watch->changed(watch->context);
}

/* The sooner of what is set and this. */
static void tell_in(struct directory_watch *watch, uint64_t milliseconds)
{
	if (uv_is_active((uv_handle_t *)&watch->timer) &&
	    uv_timer_get_due_in(&watch->timer) <= milliseconds)
		return;
	uv_timer_start(&watch->timer, tell, milliseconds, 0);
}

void directory_watch_later(struct directory_watch *watch, uint64_t milliseconds)
{
	tell_in(watch, milliseconds);
}

/* What happened is not looked at: the files are, all of them, by their stamps. */
static void drain(int fd)
{
	char events[4096];

	while (read(fd, events, sizeof(events)) > 0)
		continue;
}

static void on_events(uv_poll_t *poll, int status, int events)
{
	struct directory_watch *watch = poll->data;
	uint64_t now = uv_now(poll->loop);

	(void)status;
	(void)events;
	drain(watch->fd);
	if (watch->burst_began == 0)
		watch->burst_began = now;
	if (now - watch->burst_began < DIRECTORY_WATCH_MOST)
		uv_timer_start(&watch->timer, tell, DIRECTORY_WATCH_QUIET, 0);
}

struct directory_watch *directory_watch_open(uv_loop_t *loop, void (*changed)(void *context),
					     void *context, char *error, size_t error_size)
{
	struct directory_watch *watch;
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0) {
		snprintf(error, error_size,
			 "can't watch files: %s; raise the sysctl "
			 "fs.inotify.max_user_instances",
			 strerror(errno));
		return NULL;
	}
	watch = calloc(1, sizeof(*watch));
	if (watch == NULL)
		abort();
	watch->fd = fd;
	watch->changed = changed;
	watch->context = context;
	watch->open_handles = 2;
	uv_poll_init(loop, &watch->poll, fd);
	uv_timer_init(loop, &watch->timer);
	watch->poll.data = watch;
	watch->timer.data = watch;
	uv_poll_start(&watch->poll, UV_READABLE, on_events);
	return watch;
}

void directory_watch_add(struct directory_watch *watch, const char *directory)
{
	if (inotify_add_watch(watch->fd, directory, EVENTS) < 0)
		tell_in(watch, RETRY_MISSING);
}

void directory_of_file(const char *path, char *directory)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		snprintf(directory, PATH_MAX, ".");
	else
		snprintf(directory, PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path),
			 path);
}

void directory_watch_add_file(struct directory_watch *watch, const char *path)
{
	char directory[PATH_MAX], target[PATH_MAX];
	struct stat at;

	directory_of_file(path, directory);
	directory_watch_add(watch, directory);
	if (lstat(path, &at) != 0 || !S_ISLNK(at.st_mode) || realpath(path, target) == NULL)
		return;
	directory_of_file(target, directory);
	directory_watch_add(watch, directory);
}

static void closed(uv_handle_t *handle)
{
	struct directory_watch *watch = handle->data;

	if (--watch->open_handles > 0)
		return;
	close(watch->fd);
	free(watch);
}

void directory_watch_close(struct directory_watch *watch)
{
	if (watch == NULL)
		return;
	uv_close((uv_handle_t *)&watch->poll, closed);
	uv_close((uv_handle_t *)&watch->timer, closed);
}
