#include "dataplane/guard.h"

#include "runtime/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PART "dataplane.guard"

void guard_start(struct guard *guard, struct program *program)
{
	*guard = (struct guard){.program = program};
}

/* A thread that stands still can't be waited for, so nothing is closed in order here. The kernel
 * closes all, as after SIGKILL. */
static void end_now(enum dataplane_exit status)
{
	fflush(NULL);
	_exit(status);
}

static void log_worker(const char *what, unsigned worker, uint64_t still)
{
	log_error(PART, what, LOG_UNSIGNED("worker", worker), LOG_UNSIGNED("still_ms", still));
}

static void look_at_worker(struct guard *guard, unsigned worker, bool stuck)
{
	const uint64_t bit = UINT64_C(1) << worker;
	const uint64_t patience = UINT64_C(1000) * guard->program->options.watchdog;
	uint64_t still = watchdog_still(&guard->watchdog, worker);

	if (stuck && !(guard->stuck & bit))
		log_worker("a worker stands still: its queries get no answer", worker, still);
	else if (!stuck && (guard->stuck & bit))
		log_warning(PART, "a worker moves again", LOG_UNSIGNED("worker", worker));
	if (stuck && patience > 0 && still >= patience) {
		log_worker("ending to be started again: a worker stood still for too long", worker,
			   still);
		end_now(DATAPLANE_EXIT_STUCK);
	}
}

static void look_at_workers(struct guard *guard, int64_t now)
{
	struct dataplane_file *file = adopt_file(guard->program->adopt);
	uint64_t loops[WORKERS_MAX], stuck;

	for (unsigned i = 0; i < file->worker_count; i++)
		loops[i] = atomic_load_explicit(&file->line[i].loops, memory_order_relaxed);
	stuck = watchdog_look(&guard->watchdog, (uint64_t)now, loops, file->worker_count);
	for (unsigned i = 0; i < file->worker_count; i++)
		look_at_worker(guard, i, stuck >> i & 1);
	guard->stuck = stuck;
}

static void log_interface(const struct program *program, enum interface_state state)
{
	static const char *const what[] = {
	    [INTERFACE_DOWN] = "the interface has no link: no query can come",
	    [INTERFACE_GONE] = "the interface was removed: waiting for one of its name",
	    [INTERFACE_REPLACED] = "there is an interface that only a new start can take",
	};

	if (state == INTERFACE_UP)
		log_info(PART, "the interface is up", LOG_TEXT("io", program->options.io));
	else
		log_error(PART, what[state], LOG_TEXT("io", program->options.io));
}

static void log_port(const struct io_port *port, enum interface_state before)
{
	static const char *const what[] = {
	    [INTERFACE_DOWN] = "a port has no link",
	    [INTERFACE_GONE] = "a port was removed",
	    [INTERFACE_REPLACED] = "a port was removed",
	    [INTERFACE_MISSING] = "a port that was missing had come, and is not up any more",
	};

	if (port->state == INTERFACE_UP)
		log_info(PART, "a port is up", LOG_TEXT("port", port->name));
	else if (port->state == INTERFACE_REPLACED && before == INTERFACE_MISSING)
		log_info(PART, "a port has come that was missing", LOG_TEXT("port", port->name));
	else
		log_error(PART, what[port->state], LOG_TEXT("port", port->name));
}

/* How all begins is not said: up needs no word, and what is missing was said at the start. */
static bool is_worth_logging(enum interface_state state, enum interface_state before)
{
	return state != before &&
	       (before != INTERFACE_NONE || (state != INTERFACE_UP && state != INTERFACE_MISSING));
}

/* Each of several is logged; a lone one is the interface itself. */
static void look_at_ports(struct guard *guard)
{
	const struct program *program = guard->program;
	struct dataplane_file *file = adopt_file(program->adopt);
	struct io_port port[PORTS_MAX];
	unsigned count = program->io_class->ports ? program->io_class->ports(program->io, port) : 0;

	for (unsigned i = 0; i < count; i++) {
		if (count > 1 && is_worth_logging(port[i].state, guard->port[i]))
			log_port(&port[i], guard->port[i]);
		guard->port[i] = port[i].state;
		atomic_store_explicit(&file->port[i].interface, port[i].state,
				      memory_order_relaxed);
		for (unsigned k = 0; k < PORT_COUNTERS; k++)
			atomic_store_explicit(&file->port[i].count[k], port[i].count[k],
					      memory_order_relaxed);
	}
}

static void look_at_interface(struct guard *guard, int64_t now)
{
	const struct program *program = guard->program;
	enum interface_state state;

	if (!program->io_class->refresh)
		return;
	state = program->io_class->refresh(program->io);
	guard->refreshed = now;
	guard->again = program_follow(guard->program);
	if (state != guard->interface &&
	    (state != INTERFACE_UP || guard->interface != INTERFACE_NONE))
		log_interface(program, state);
	if (state != INTERFACE_REPLACED)
		guard->replaced = 0;
	else if (guard->replaced == 0)
		guard->replaced = now;
	guard->interface = state;
	atomic_store_explicit(&adopt_file(program->adopt)->interface, state, memory_order_relaxed);
	look_at_ports(guard);
}

int guard_event_fd(const struct guard *guard, int64_t now)
{
	const struct program *program = guard->program;

	if (!program->io_class->event_fd || now - guard->refreshed < GUARD_REFRESH_LEAST)
		return -1;
	return program->io_class->event_fd(program->io);
}

void guard_look(struct guard *guard, bool event, int64_t now)
{
	look_at_workers(guard, now);
	if (event || guard->again || now - guard->refreshed >= GUARD_REFRESH_MOST)
		look_at_interface(guard, now);
	if (guard->replaced > 0 && now - guard->replaced >= GUARD_SETTLE) {
		log_error(PART, "ending to be started again: an interface is there that was not",
			  LOG_TEXT("io", guard->program->options.io));
		end_now(DATAPLANE_EXIT_INTERFACE);
	}
}

void guard_stop(const struct guard *guard)
{
	if (guard->stuck == 0)
		return;
	log_warning(PART, "stopping without the worker that stands still");
	end_now(DATAPLANE_EXIT_STUCK);
}
