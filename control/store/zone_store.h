/* zone_store.h: the zones in force, and the image that answers from them.
 *
 * A change is staged, any number together, and made by one commit: a zone is put or removed, or
 * records of a zone in force are changed. The names that a change concerns are compiled and put,
 * the others are not touched, and the image becomes visible at once. What fails is rolled back:
 * then the zones in force are those of before.
 *
 * What it costs: a changed record costs what its RRset, its name's labels and the nodes that it
 * concerns cost, the same in a zone of ten names and of ten million, and among however many zones.
 * A zone put in place of another is compared with it, linear in both. Linear in a zone are also
 * another access rule for it and another way of proving absence; linear in all zones of a view, one
 * that comes or goes where there are views.
 * Threads:   one. Ownership: the store owns its zones; the writer and what commits are the
 * caller's. */
#ifndef SKUA_CONTROL_STORE_ZONE_STORE_H
#define SKUA_CONTROL_STORE_ZONE_STORE_H

#include "control/store/zone_terms.h"
#include "zones/image/writer.h"
#include "zones/prefix/client_table.h"
#include "zones/zone/change.h"
#include "zones/zone/zone_set.h"

struct zone_store;

/* Ends the writer's open transaction and makes its root visible: publish_commit(), or plain
 * image_commit(). Returns the generation, or 0 with an error. */
typedef uint64_t (*store_commit)(void *context, char *error, size_t error_size);

struct zone_store *zone_store_new(struct image_writer *writer,
				  const struct image_settings *settings, store_commit commit,
				  void *context);
void zone_store_free(struct zone_store *store);
/* Threads that may compile a large zone when an image is first filled; 1 if not set. They are gone
 * when zone_store_apply() returns. */
void zone_store_set_threads(struct zone_store *store, unsigned threads);

/* Staged for the next apply, which publishes them even if no name differs. policy: copied, but its
 * `clients`, which the store makes from the table; NULL: nothing of it is on, which is how a store
 * begins. clients: borrowed until another is staged; NULL: nothing depends on who asks. */
void zone_store_stage_policy(struct zone_store *store, const struct image_settings *settings,
			     const struct image_policy *policy, const struct client_table *clients);

/* An apex is put or removed at most once in each view before each apply.
 * Takes the zone over, in any case. It replaces one of the same apex and view. False: too many
 * zones. */
bool zone_store_stage(struct zone_store *store, struct zone_terms terms, struct zone *zone);
/* The zone with this apex goes from the view. Nothing happens if there is none. */
void zone_store_stage_removal(struct zone_store *store, unsigned view, const uint8_t *apex);

enum store_staging {
	STORE_STAGED,
	STORE_NO_ZONE,	   /* there is no zone with this apex in the view */
	STORE_OUT_OF_ZONE, /* an owner is not at or below the apex */
	STORE_TOO_LARGE,   /* an RRset would not fit into a message (ZONE_TOO_LARGE) */
};
/* Makes the changes in the zone with this apex, which is in force or staged; they are answered from
 * after the next apply, and taken back if that fails. A zone may have any number of batches staged,
 * before and after it is put. Whatever was staged before, a batch that is refused changes nothing;
 * *refused is then the number of its first change that can't be made.
 * Requires: the records are sound (rdata_is_sound()), and together they make a zone that may be
 * served: the store looks at nothing but sizes, zone_check() is the source's to do. changes: the
 * caller's, free to be used again at once. */
enum store_staging zone_store_stage_changes(struct zone_store *store, unsigned view,
					    const uint8_t *apex, const struct zone_changes *changes,
					    size_t *refused);

struct store_change {
	uint64_t generation; /* 0: nothing differed, so nothing was published */
	uint64_t changed;    /* names compiled or deleted; one may count more than once */
	uint64_t too_large;  /* names that lack signatures or, in zones that zone_check() did not
				pass, RRsets: COMPILE_TOO_LARGE */
};
/* Makes what is staged. False, with a line for the user, if there is no room: all is as before. */
bool zone_store_apply(struct zone_store *store, struct store_change *change, char *error,
		      size_t error_size);

/* A view's zones; an empty set if it has none. Borrowed until the next stage or apply. */
const struct zone_set *zone_store_zones(const struct zone_store *store, unsigned view);

#endif
