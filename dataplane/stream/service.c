/* service.c: the stream's thread: rounds of accepting, reading, answering, writing and closing.
 *
 * In epoll's data, a listener is a pointer into stream->listener, the wake-up is &stream->wake, and
 * all else is a connection. A round serves events first and frees connections only where they are
 * served or later, so that no event can name a connection that is gone. */
#include "dataplane/stream/service.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS	     128u
#define ACCEPTS	     64u  /* connections taken from one listener per round */
#define HEARTBEAT    50u  /* milliseconds that a round sleeps at most */
#define ACCEPT_PAUSE 100u /* milliseconds, after the kernel ran out of something */

static uint64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static bool watch(const struct stream *stream, int operation, int fd, uint32_t events, void *who)
{
	struct epoll_event event = {.events = events, .data.ptr = who};

	return epoll_ctl(stream->epoll, operation, fd, &event) == 0;
}

static bool is_listener(const struct stream *stream, const void *who)
{
	return (const int *)who >= stream->listener &&
	       (const int *)who < stream->listener + stream->listeners;
}

bool service_watch(struct stream *stream)
{
	for (unsigned i = 0; i < stream->listeners; i++) {
		if (!watch(stream, EPOLL_CTL_ADD, stream->listener[i], EPOLLIN,
			   &stream->listener[i]))
			return false;
	}
	return watch(stream, EPOLL_CTL_ADD, stream->wake, EPOLLIN, &stream->wake);
}

static void listeners_interest(struct stream *stream, uint32_t events)
{
	for (unsigned i = 0; i < stream->listeners; i++)
		watch(stream, EPOLL_CTL_MOD, stream->listener[i], events, &stream->listener[i]);
}

static void drop(struct stream *stream, struct connection *connection)
{
	if (connection->again)
		TAILQ_REMOVE(&stream->again, connection, again_at);
	limits_leave(stream->limits, &connection->client);
	connection_free(connection, &stream->bench);
}

static void set_again(struct stream *stream, struct connection *connection, bool again)
{
	if (again == connection->again)
		return;
	connection->again = again;
	if (again)
		TAILQ_INSERT_TAIL(&stream->again, connection, again_at);
	else
		TAILQ_REMOVE(&stream->again, connection, again_at);
}

/* Epoll watches for reading or for writing, never for both: no reading while replies wait. */
static bool set_interest(struct stream *stream, struct connection *connection)
{
	bool writing = connection_wants_write(connection);

	if (writing == connection->writing)
		return true;
	connection->writing = writing;
	return watch(stream, EPOLL_CTL_MOD, connection->fd, writing ? EPOLLOUT : EPOLLIN,
		     connection);
}

static void serve(struct stream *stream, struct connection *connection)
{
	bool changed = false, fresh;
	/* Quiescent point: what the last turn borrowed from an image is gone. Pairs with
	 * publish_commit() and publish_reclaim() as adopt.h says. */
	const struct image *image =
	    adopt_newest(stream->config.adopt, stream->config.worker, &changed);
	enum turn turn;

	if (changed)
		stream->counts[COUNT_adopted]++;
	connection->served = stream->round;
	turn = connection_turn(connection, &stream->bench, image, &fresh);
	if (turn == TURN_CLOSE || !set_interest(stream, connection)) {
		drop(stream, connection);
		return;
	}
	if (fresh)
		deadline_set(&stream->deadlines, &connection->deadline, stream->now);
	set_again(stream, connection, turn == TURN_AGAIN);
}

static void admit(struct stream *stream, int fd, const struct client *client)
{
	struct connection *connection;

	if (!limits_enter(stream->limits, client)) {
		stream->counts[COUNT_tcp_refused]++;
		close(fd);
		return;
	}
	connection = calloc(1, sizeof(*connection));
	if (!connection || !watch(stream, EPOLL_CTL_ADD, fd, EPOLLIN, connection)) {
		stream->counts[COUNT_tcp_refused]++;
		limits_leave(stream->limits, client);
		free(connection);
		close(fd);
		return;
	}
	connection->fd = fd;
	connection->client = *client;
	deadline_set(&stream->deadlines, &connection->deadline, stream->now);
	stream->counts[COUNT_tcp_accepted]++;
}

static void accept_some(struct stream *stream, int listener)
{
	struct client client;
	int fd;

	for (unsigned i = 0; i < ACCEPTS; i++) {
		switch (listener_accept(listener, &stream->reserve, &fd, &client)) {
		case ACCEPTED:
			admit(stream, fd, &client);
			break;
		case ACCEPTED_NO_FILES:
			stream->counts[COUNT_tcp_refused]++;
			break;
		case ACCEPTED_EXHAUSTED:
			stream->accept_after = stream->now + ACCEPT_PAUSE;
			listeners_interest(stream, 0);
			return;
		case ACCEPTED_NONE:
			return;
		}
	}
}

static void resume_accepting(struct stream *stream)
{
	if (stream->accept_after == 0 || stream->now < stream->accept_after)
		return;
	if (stream->reserve < 0)
		stream->reserve = listener_reserve();
	stream->accept_after = 0;
	listeners_interest(stream, EPOLLIN);
}

static void serve_events(struct stream *stream, const struct epoll_event *events, int count)
{
	for (int i = 0; i < count; i++) {
		void *who = events[i].data.ptr;
		if (who == &stream->wake)
			continue;
		if (is_listener(stream, who))
			accept_some(stream, *(const int *)who);
		else
			serve(stream, who);
	}
}

/* One turn for each that had whole messages left, unless an event gave him one in this round. */
static void serve_again(struct stream *stream)
{
	struct connection *last = TAILQ_LAST(&stream->again, again_list);
	struct connection *connection, *next;

	for (connection = TAILQ_FIRST(&stream->again); connection; connection = next) {
		bool done = connection == last;
		next = done ? NULL : TAILQ_NEXT(connection, again_at);
		if (connection->served != stream->round)
			serve(stream, connection);
	}
}

static void drop_late(struct stream *stream)
{
	struct deadline *due;

	while ((due = deadlines_due(&stream->deadlines, stream->now)) != NULL) {
		stream->counts[COUNT_tcp_timed_out]++;
		drop(stream, (struct connection *)due);
	}
}

void service_drop_all(struct stream *stream)
{
	while (stream->deadlines.ends.next != &stream->deadlines.ends)
		drop(stream, (struct connection *)stream->deadlines.ends.next);
}

static void flush_counts(struct stream *stream)
{
	struct dataplane_file *file = adopt_file(stream->config.adopt);
	struct worker_line *line = &file->line[stream->config.worker];
	struct worker_counters *counters = &file->worker[stream->config.worker];

	for (unsigned i = 0; i < COUNTERS; i++)
		atomic_store_explicit(&counters->count[i], stream->counts[i], memory_order_relaxed);
	atomic_fetch_add_explicit(&line->loops, 1, memory_order_relaxed);
}

/* Sleeps until something comes, holding no image meanwhile. Returns the number of events. */
static int wait_events(struct stream *stream, struct epoll_event *events)
{
	uint64_t wait = 0;
	int count;

	if (TAILQ_EMPTY(&stream->again))
		wait = deadlines_wait(&stream->deadlines, milliseconds(), HEARTBEAT);
	if (wait > 0)
		adopt_offline(stream->config.adopt, stream->config.worker);
	count = epoll_wait(stream->epoll, events, EVENTS, (int)wait);
	return count < 0 ? 0 : count;
}

void *service_run(void *argument)
{
	struct stream *stream = argument;
	struct epoll_event events[EVENTS];

	while (!atomic_load_explicit(&stream->stop, memory_order_acquire)) {
		int count = wait_events(stream, events);
		stream->round++;
		stream->now = milliseconds();
		serve_events(stream, events, count);
		serve_again(stream);
		drop_late(stream);
		resume_accepting(stream);
		flush_counts(stream);
	}
	adopt_offline(stream->config.adopt, stream->config.worker);
	return NULL;
}
