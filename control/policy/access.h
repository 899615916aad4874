/* access.h: the lists, the views and the rules of who may ask which zone, as one instance has them,
 * and who is exempt from rate limits.
 *
 * Each different `allow` of a zone is an access rule (zones/abi/policy.h); views are numbered in
 * the order in which they are given. So the same settings always give the same numbers, whatever
 * the files that they name hold. Threads: one. Errors: a line for the user without the place, which
 * the caller knows. */
#ifndef SKUA_CONTROL_POLICY_ACCESS_H
#define SKUA_CONTROL_POLICY_ACCESS_H

#include "zones/prefix/client_table.h"

struct access;
struct access *access_new(void);
void access_free(struct access *access); /* NULL is allowed */

/* text: as for the keys acl and views (config/access_text.h). A list may use those before it. */
bool access_add_list(struct access *access, const char *text, char *error, size_t error_size);
bool access_add_view(struct access *access, const char *text, char *error, size_t error_size);

/* The number of the view with this name. */
bool access_view(const struct access *access, const char *name, uint8_t *number, char *error,
		 size_t error_size);
/* The number of the rule that admits these: ITEM,ITEM…; IMAGE_ANYONE for all that is "any". */
bool access_rule(struct access *access, const char *items, uint8_t *number, char *error,
		 size_t error_size);

/* These have no rate limit: ITEM,ITEM…; in addition to those before. */
bool access_exempt(struct access *access, const char *items, char *error, size_t error_size);

/* What all of it comes to, files read now; NULL, with *error "", if nothing depends on who asks. */
struct client_table *access_table(const struct access *access, char *error, size_t error_size);

#endif
