/* access_text.h: how a user writes who may ask, and which view a zone belongs to.
 *
 *   acl    NAME=ITEM,ITEM…           a list of addresses
 *   views  NAME=ITEM,ITEM…[,ecs]     whose clients see the view's zones
 *   zones  ZONE[,view=NAME][,allow=ITEM]…
 *   rate_limit_exempt  ITEM,ITEM…     who has no rate limit
 *
 * An ITEM is an address, a prefix, @FILE (a prefix on each line), the NAME of a list, any, or none;
 * with "!" before it, what it stands for is taken out. NAMEs begin with a letter and go on with
 * letters, digits, ".", "-" and "_".
 * Threads: any. Nothing is looked up here: what a name or a file stands for, control/policy says.
 */
#ifndef SKUA_CONTROL_CONFIG_ACCESS_TEXT_H
#define SKUA_CONTROL_CONFIG_ACCESS_TEXT_H

#include "zones/prefix/prefix.h"

#include <stdbool.h>
#include <stddef.h>

#define ACCESS_NAME_MAX 63u /* octets */

enum access_item_kind {
	ACCESS_PREFIX,
	ACCESS_FILE, /* name: its path */
	ACCESS_LIST, /* name: of the list */
	ACCESS_ANY,
	ACCESS_NONE,
};

struct access_item {
	enum access_item_kind kind;
	bool taken_out; /* it had "!" before it */
	struct prefix prefix;
	char name[4096];
};

/* Returns NULL, or why the text is no item (a part of a sentence: "is no …"). */
const char *access_item_read(const char *text, size_t length, struct access_item *item);

/* Walks the items of "ITEM,ITEM…": *at is the text at first, and NULL after the last. Returns the
 * item's text, which is not NUL-terminated; "" is one item, that is empty. */
const char *access_items_next(const char **at, size_t *length);

/* True if this is a NAME that a list or a view may have. */
bool access_is_name(const char *text, size_t length);

/* Of ITEM,ITEM…. False, with what is wrong. */
bool access_items_check(const char *items, char *error, size_t error_size);

/* Of acl and views. False, with what is wrong. */
bool access_text_check(const char *text, char *error, size_t error_size);

/* A zone as it was given, in parts. view, allow: NULL if not given; allow: ITEM,ITEM…. */
struct zone_text {
	char *zone; /* FILE, ORIGIN=FILE or a directory */
	char *view;
	char *allow;
};
/* False: a view or an item is wrong. zone_text_free() it in any case. */
bool zone_text_read(const char *text, struct zone_text *zone, char *error, size_t error_size);
void zone_text_free(struct zone_text *zone);

#endif
