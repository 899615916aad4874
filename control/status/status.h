/* status.h: what an instance is doing, at one moment, whoever asks for it in whatever form.
 *
 * Control fills it from what it holds (control/loop/report.c); `skua status` fills it from the
 * files in the runtime directory when control does not run.
 * Threads: one. Ownership: as said at each member; status_free() frees what it owns. */
#ifndef SKUA_CONTROL_STATUS_STATUS_H
#define SKUA_CONTROL_STATUS_STATUS_H

#include "control/publish/publish.h"
#include "zones/abi/channel.h"
#include "zones/image/writer.h"
#include "zones/name/name.h"

#include <stdbool.h>

struct status_zone {
	char name[NAME_MAX_TEXT]; /* "" if the file has never been good */
	const char *file;	  /* borrowed */
	const char *view;	  /* whose clients see it; NULL: all; borrowed */
	const char *allow;	  /* who may ask it; NULL: anyone; borrowed */
	const char *state;	  /* good, stale, bad; borrowed */
	const char *error;	  /* first error of the newest version, or NULL; borrowed */
	uint32_t serial;
	uint64_t records;
	uint64_t names;
	uint64_t failures; /* versions that were bad */
	uint64_t loads;	   /* versions that were good */
};

struct status {
	uint64_t control_pid;	  /* 0: control does not run */
	uint64_t control_started; /* CLOCK_REALTIME, nanoseconds */
	uint64_t generation;	  /* newest published; 0: none */
	uint64_t published;	  /* commits since control started */
	double publish_seconds;	  /* the last one, from staged to visible */
	uint64_t reloads, reload_failures;
	struct image_usage usage; /* of one replica */
	struct publish_replica replica[IMAGE_REPLICAS_MAX];
	unsigned replica_count;
	struct status_zone *zones; /* owned */
	size_t zone_count;
	const struct dataplane_file *dataplane; /* borrowed; NULL: none runs */
	uint64_t stuck;				/* bit per worker of it that stands still */
};

void status_free(struct status *status);

/* What all replicas of the image hold together. */
uint64_t status_arena_octets(const struct status *status);

/* Reading a dataplane file trusts nothing: numbers are cut to what the layout holds. */
unsigned status_workers(const struct dataplane_file *file);
uint64_t status_counter(const struct dataplane_file *file, unsigned worker, enum counter counter);
const char *status_counter_name(enum counter counter);
const char *status_counter_help(enum counter counter);
bool status_counter_is_drop(enum counter counter);
/* Nonsense counts as INTERFACE_NONE. */
enum interface_state status_interface(const struct dataplane_file *file);
/* none, up, down, gone, replaced. */
const char *status_interface_text(enum interface_state state);
unsigned status_ports(const struct dataplane_file *file);
/* Nonsense counts as INTERFACE_NONE. */
enum interface_state status_port_state(const struct dataplane_file *file, unsigned port);
uint64_t status_port_counter(const struct dataplane_file *file, unsigned port,
			     enum port_counter counter);
/* NUL-terminated copy of a text in the file. */
void status_text(const char *from, size_t size, char *text);

/* CLOCK_REALTIME, nanoseconds. */
uint64_t status_now(void);

#endif
