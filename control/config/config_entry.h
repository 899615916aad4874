/* config_entry.h: an entry of zones, acl or views that is written as a mapping, such as
 * {name: core, prefixes: [10.0.0.0/8]}: it becomes the text that the command line takes for it.
 * Threads: one. Errors: reported with the place of what is wrong. */
#ifndef SKUA_CONTROL_CONFIG_CONFIG_ENTRY_H
#define SKUA_CONTROL_CONFIG_CONFIG_ENTRY_H

#include "control/config/config.h"

#include <libfyaml.h>

/* fy_node_report() notes the node's line and column with the message; all are printed at the end.
 * It knows no place of a sequence, and then notes nothing: never give it one. */
#define CONFIG_REPORT(node, ...) fy_node_report((node), FYET_ERROR, __VA_ARGS__)

/* True if entries of this key may be mappings. */
bool config_entry_allowed(enum config_key key);

/* Reports each name among items ("ITEM,…") that is no list of *config yet; false: there is one. */
bool config_items_known(const struct config *config, enum config_key key, struct fy_node *node,
			const char *items);

/* mapping: of one entry. Lists and views that it names must be in *config already. */
void config_entry_load(struct config *config, enum config_key key, struct fy_node *mapping);

#endif
