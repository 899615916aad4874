#include "control/store/pending.h"

#include "zones/name/name.h"

#include <stdlib.h>
#include <string.h>

/* What a bulk change made longer is given back. */
#define KEPT_OCTETS (1u << 20)
#define KEPT_STEPS  1024u

static void *grown(void *memory, size_t octets)
{
	memory = realloc(memory, octets);
	if (memory == NULL)
		abort();
	return memory;
}

struct staged *pending_add(struct pending *pending)
{
	struct staged *staged;

	if (pending->count == pending->room) {
		pending->room = pending->room * 2 + 16;
		pending->at = grown(pending->at, pending->room * sizeof(*pending->at));
	}
	staged = &pending->at[pending->count++];
	memset(staged, 0, sizeof(*staged));
	return staged;
}

void pending_name(struct pending *pending, unsigned view, const uint8_t *name)
{
	uint8_t entry[2 + NAME_MAX_OCTETS];
	size_t length = name_length(name, NAME_MAX_OCTETS), size = length + 2;

	entry[0] = (uint8_t)view;
	entry[1] = (uint8_t)length;
	memcpy(entry + 2, name, length);
	if (pending->names_used - pending->last == size &&
	    memcmp(pending->names + pending->last, entry, size) == 0)
		return;
	if (pending->names_room - pending->names_used < size) {
		pending->names_room += pending->names_room / 2 + 4096;
		pending->names = grown(pending->names, pending->names_room);
	}
	memcpy(pending->names + pending->names_used, entry, size);
	pending->last = pending->names_used;
	pending->names_used += size;
}

bool pending_next(const struct pending *pending, size_t *at, unsigned *view, const uint8_t **name)
{
	const uint8_t *entry = pending->names + *at;

	if (*at >= pending->names_used)
		return false;
	*view = entry[0];
	*name = entry + 2;
	*at += 2u + entry[1];
	return true;
}

void pending_names_cut(struct pending *pending, size_t names_used)
{
	pending->names_used = names_used;
	pending->last = names_used;
}

void pending_clear(struct pending *pending)
{
	pending->count = 0;
	zone_changes_clear(&pending->undo);
	pending_names_cut(pending, 0);
	if (pending->undo.room > KEPT_OCTETS)
		zone_changes_free(&pending->undo);
	if (pending->names_room > KEPT_OCTETS || pending->room > KEPT_STEPS)
		pending_free(pending);
}

void pending_free(struct pending *pending)
{
	zone_changes_free(&pending->undo);
	free(pending->names);
	free(pending->at);
	*pending = (struct pending){0};
}
