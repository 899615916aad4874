/* audience.h: from the settings acl, views, zones and rate_limit_exempt to who may see what, and
 * who has no rate limit.
 * Threads: one. Errors: a line for the user that names the setting. */
#ifndef SKUA_CONTROL_POLICY_AUDIENCE_H
#define SKUA_CONTROL_POLICY_AUDIENCE_H

#include "control/config/access_text.h"
#include "control/config/config.h"
#include "control/store/zone_store.h"

/* A zone as it was given, and to whom it is served; the terms' texts are those of the text. */
struct audience_zone {
	struct zone_text text;
	struct zone_terms terms;
};

/* One for each value of the key zones, in order; NULL: something is wrong. */
struct audience_zone *audience_zones(const struct config *config, char *error, size_t error_size);
void audience_zones_free(struct audience_zone *zones, size_t count); /* NULL is allowed */

/* Who is who: *table is the caller's to free, NULL if nothing depends on who asks. Files that the
 * settings name are read anew each time. */
bool audience_table(const struct config *config, struct client_table **table, char *error,
		    size_t error_size);

#endif
