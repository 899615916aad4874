#include "control/status/status.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
	const char *name, *help;
} counters[COUNTERS] = {
#define COUNT(name, help) {#name, help},
#include "zones/abi/counters.def"
#undef COUNT
};

void status_free(struct status *status)
{
	free(status->zones);
	memset(status, 0, sizeof(*status));
}

uint64_t status_arena_octets(const struct status *status)
{
	uint64_t octets = 0;

	for (unsigned i = 0; i < status->replica_count; i++)
		octets += status->replica[i].backed;
	return octets;
}

unsigned status_workers(const struct dataplane_file *file)
{
	return file->worker_count < WORKERS_MAX ? file->worker_count : WORKERS_MAX;
}

uint64_t status_counter(const struct dataplane_file *file, unsigned worker, enum counter counter)
{
	return atomic_load_explicit(&file->worker[worker].count[counter], memory_order_relaxed);
}

const char *status_counter_name(enum counter counter)
{
	return counters[counter].name;
}

const char *status_counter_help(enum counter counter)
{
	return counters[counter].help;
}

bool status_counter_is_drop(enum counter counter)
{
	return strncmp(counters[counter].name, "drop_", 5) == 0;
}

static enum interface_state state_of(const _Atomic uint32_t *word)
{
	uint32_t state = atomic_load_explicit(word, memory_order_relaxed);

	return state <= INTERFACE_MISSING ? (enum interface_state)state : INTERFACE_NONE;
}

enum interface_state status_interface(const struct dataplane_file *file)
{
	return state_of(&file->interface);
}

unsigned status_ports(const struct dataplane_file *file)
{
	return file->port_count < PORTS_MAX ? file->port_count : PORTS_MAX;
}

enum interface_state status_port_state(const struct dataplane_file *file, unsigned port)
{
	return state_of(&file->port[port].interface);
}

uint64_t status_port_counter(const struct dataplane_file *file, unsigned port,
			     enum port_counter counter)
{
	return atomic_load_explicit(&file->port[port].count[counter], memory_order_relaxed);
}

const char *status_interface_text(enum interface_state state)
{
	static const char *const text[] = {
	    [INTERFACE_NONE] = "none",	       [INTERFACE_UP] = "up",
	    [INTERFACE_DOWN] = "down",	       [INTERFACE_GONE] = "gone",
	    [INTERFACE_REPLACED] = "replaced", [INTERFACE_MISSING] = "missing",
	};

	return text[state];
}

void status_text(const char *from, size_t size, char *text)
{
	size_t length = strnlen(from, size - 1);

	memcpy(text, from, length);
	text[length] = '\0';
	for (size_t i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] > '~')
			text[i] = '?';
}

uint64_t status_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
