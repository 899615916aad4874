/* service.c: the stream's thread: rounds of accepting, reading, answering, writing and closing.
 *
 * In epoll's data, a listener is a pointer into stream->listener, the wake-up is &stream->wake, and
 * all else is a connection. A round serves events first, then takes newcomers in; it frees
 * connections only where they are served or later, so that no event can name a connection that is
 * gone, and so that what a client has sent is looked at before another takes its place. */
#include "dataplane/stream/service.h"

#include "dataplane/confine/privilege.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS	     128u
#define ACCEPTS	     64u  /* connections taken from one listener per round */
#define VICTIMS	     8u	  /* connections looked at to make room for one */
#define HEARTBEAT    50u  /* milliseconds that a round sleeps at most */
#define ACCEPT_PAUSE 100u /* milliseconds, after the kernel ran out of something */
#define ROOM_PAUSE   4u	  /* milliseconds, while there is no room and nobody has to go yet */

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
	       (const int *)who < stream->listener + STREAM_LISTENS_MAX;
}

bool service_watch(struct stream *stream)
{
	return watch(stream, EPOLL_CTL_ADD, stream->wake, EPOLLIN, &stream->wake);
}

/* Closing takes it out of epoll; who still waits in its queue is sent away by the kernel. */
static bool exchange_listener(struct stream *stream, unsigned place, int wanted)
{
	uint32_t events = stream->accept_after > 0 ? 0 : EPOLLIN;

	if (wanted >= 0 && !watch(stream, EPOLL_CTL_ADD, wanted, events, &stream->listener[place]))
		return false;
	if (stream->listener[place] >= 0)
		close(stream->listener[place]);
	stream->listener[place] = wanted;
	stream->ready[place] = false;
	if (place >= stream->listeners)
		stream->listeners = place + 1;
	handover_taken(&stream->handover, place, wanted);
	return true;
}

bool service_take_listeners(struct stream *stream)
{
	bool all = true;

	for (unsigned i = 0; i < STREAM_LISTENS_MAX; i++) {
		int wanted = handover_wanted(&stream->handover, i);

		if (wanted != stream->listener[i])
			all = exchange_listener(stream, i, wanted) && all;
	}
	return all;
}

static bool drain_wake(const struct stream *stream)
{
	uint64_t count;

	return read(stream->wake, &count, sizeof(count)) == sizeof(count);
}

static void listeners_interest(struct stream *stream, uint32_t events)
{
	for (unsigned i = 0; i < stream->listeners; i++)
		if (stream->listener[i] >= 0)
			watch(stream, EPOLL_CTL_MOD, stream->listener[i], events,
			      &stream->listener[i]);
}

/* blame: it is our doing, not the client's. */
static void drop(struct stream *stream, struct connection *connection, bool blame)
{
	if (connection->again)
		TAILQ_REMOVE(&stream->again, connection, again_at);
	admission_leave(&stream->admission, connection, blame);
	connection_free(connection, &stream->bench);
	stream->counts[COUNT_tcp_closed]++;
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

/* Notes what a turn has brought. */
static void credit(struct stream *stream, struct connection *connection, const struct turn *turn)
{
	if (turn->replied)
		admission_replied(&stream->admission, connection, stream->now);
	else if (turn->progress)
		admission_progress(&stream->admission, connection, stream->now);
}

/* One turn. False: the connection is gone. */
static bool serve(struct stream *stream, struct connection *connection)
{
	bool changed = false;
	/* Quiescent point: what the last turn borrowed from an image is gone. Pairs with
	 * publish_commit() and publish_reclaim() as adopt.h says. */
	const struct image *image =
	    adopt_newest(stream->config.adopt, stream->config.worker, &changed);
	struct turn turn;

	if (changed)
		stream->counts[COUNT_adopted]++;
	connection->served = stream->round;
	stream->bench.answers.tcp_idle = (uint16_t)(admission_idle(&stream->admission) / 100);
	connection_turn(connection, &stream->bench, image, &turn);
	credit(stream, connection, &turn);
	if (turn.next == TURN_CLOSE || !set_interest(stream, connection)) {
		drop(stream, connection, connection->closing);
		return false;
	}
	set_again(stream, connection, turn.next == TURN_AGAIN);
	return true;
}

static void refuse(struct stream *stream, int fd)
{
	stream->counts[COUNT_tcp_refused]++;
	close(fd);
}

/* A newcomer has its first turn at once: most have sent a query by now, and are askers then. */
static void admit(struct stream *stream, int fd, const struct client *client)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection) {
		refuse(stream, fd);
		return;
	}
	connection->fd = fd;
	connection->client = *client;
	connection->entered = stream->round;
	if (!admission_enter(&stream->admission, connection, stream->now)) {
		free(connection);
		refuse(stream, fd);
		return;
	}
	if (!watch(stream, EPOLL_CTL_ADD, fd, EPOLLIN, connection)) {
		admission_leave(&stream->admission, connection, false);
		free(connection);
		refuse(stream, fd);
		return;
	}
	stream->counts[COUNT_tcp_accepted]++;
	serve(stream, connection);
}

static void pause_accepting(struct stream *stream, uint64_t span)
{
	stream->accept_after = stream->now + span;
	listeners_interest(stream, 0);
}

/* Closes a victim, unless its last turn shows that it has asked or gone since. */
static void evict(struct stream *stream, struct connection *victim)
{
	const struct deadline before = victim->deadline;

	if (victim->served != stream->round) {
		if (!serve(stream, victim))
			return;
		if (victim->deadline.list != before.list || victim->deadline.since != before.since)
			return;
	}
	stream->counts[COUNT_tcp_evicted]++;
	drop(stream, victim, true);
}

/* Makes room for one more connection if there is none. False: not now. */
static bool make_room(struct stream *stream, bool many)
{
	const struct admission *admission = &stream->admission;

	for (unsigned i = 0; i < VICTIMS && limits_full(admission->limits); i++) {
		struct connection *victim =
		    admission_victim(admission, stream->now, stream->round, many);
		if (!victim)
			return false;
		evict(stream, victim);
	}
	return !limits_full(admission->limits);
}

/* True if the next newcomer at the listener can come in. Else there is none, and nobody has to go
 * for him; or accepting pauses. */
static bool has_room(struct stream *stream, int listener)
{
	enum waiting waiting;

	if (!limits_full(stream->admission.limits))
		return true;
	waiting = listener_waiting(listener);
	if (waiting == WAITING_NOBODY)
		return false;
	if (make_room(stream, waiting == WAITING_MANY))
		return true;
	pause_accepting(stream, ROOM_PAUSE);
	return false;
}

static void accept_some(struct stream *stream, int listener)
{
	struct client client;
	int fd;

	for (unsigned i = 0; i < ACCEPTS; i++) {
		if (!has_room(stream, listener))
			return;
		switch (listener_accept(listener, &stream->reserve, &fd, &client)) {
		case ACCEPTED:
			admit(stream, fd, &client);
			break;
		case ACCEPTED_NO_FILES:
			stream->counts[COUNT_tcp_refused]++;
			break;
		case ACCEPTED_EXHAUSTED:
			pause_accepting(stream, ACCEPT_PAUSE);
			return;
		case ACCEPTED_NONE:
			return;
		}
	}
}

/* The first listener to be asked moves on by one each round: none has all the room for itself. */
static void accept_all(struct stream *stream)
{
	for (unsigned i = 0; i < stream->listeners; i++) {
		unsigned which = (unsigned)((i + stream->round) % stream->listeners);
		if (stream->ready[which] && stream->listener[which] >= 0 &&
		    stream->accept_after == 0)
			accept_some(stream, stream->listener[which]);
		stream->ready[which] = false;
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

/* True: we were woken, to look at what is handed over or to stop. */
static bool serve_events(struct stream *stream, const struct epoll_event *events, int count)
{
	bool woken = false;

	for (int i = 0; i < count; i++) {
		void *who = events[i].data.ptr;
		if (who == &stream->wake)
			woken = drain_wake(stream);
		else if (is_listener(stream, who))
			stream->ready[(const int *)who - stream->listener] = true;
		else
			serve(stream, who);
	}
	return woken;
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

static void flush_counts(struct stream *stream)
{
	struct dataplane_file *file = adopt_file(stream->config.adopt);
	struct worker_line *line = &file->line[stream->config.worker];
	struct worker_counters *counters = &file->worker[stream->config.worker];

	for (unsigned i = 0; i < COUNTERS; i++)
		atomic_store_explicit(&counters->count[i], stream->counts[i], memory_order_relaxed);
	atomic_fetch_add_explicit(&line->loops, 1, memory_order_relaxed);
}

static void drop_late(struct stream *stream)
{
	struct connection *late;

	while ((late = admission_late(&stream->admission, stream->now)) != NULL) {
		stream->counts[COUNT_tcp_timed_out]++;
		drop(stream, late, true);
	}
}

void service_drop_all(struct stream *stream)
{
	struct connection *any;

	while ((any = admission_any(&stream->admission)) != NULL)
		drop(stream, any, false);
	flush_counts(stream);
}

/* Sleeps until something comes, holding no image meanwhile. Returns the number of events. */
static int wait_events(struct stream *stream, struct epoll_event *events)
{
	uint64_t wait = HEARTBEAT, now = milliseconds();
	int count;

	if (stream->accept_after > 0 && stream->accept_after < now + wait)
		wait = stream->accept_after > now ? stream->accept_after - now : 0;
	wait = TAILQ_EMPTY(&stream->again) ? admission_wait(&stream->admission, now, wait) : 0;
	if (wait > 0)
		adopt_offline(stream->config.adopt, stream->config.worker);
	count = epoll_wait(stream->epoll, events, EVENTS, (int)wait);
	return count < 0 ? 0 : count;
}

void *service_run(void *argument)
{
	struct stream *stream = argument;
	struct epoll_event events[EVENTS];
	bool filtered;

	pthread_setname_np(pthread_self(), "stream");
	if (stream->config.drop_capabilities && !privilege_drop())
		stream->filter_error = errno;
	else if (stream->filter)
		stream->filter_error = call_filter_enter(stream->filter, false);
	filtered = stream->filter_error == 0;
	flush_counts(stream); /* from here on the watchdog looks at this thread */
	sem_post(&stream->started);
	if (!filtered)
		return NULL;

	while (!atomic_load_explicit(&stream->stop, memory_order_acquire)) {
		int count = wait_events(stream, events);
		stream->round++;
		stream->now = milliseconds();
		/* What could not be taken is asked for again by the main thread. */
		if (serve_events(stream, events, count))
			service_take_listeners(stream);
		serve_again(stream);
		drop_late(stream);
		accept_all(stream);
		resume_accepting(stream);
		flush_counts(stream);
	}
	adopt_offline(stream->config.adopt, stream->config.worker);
	return NULL;
}
