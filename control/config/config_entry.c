#include "control/config/config_entry.h"

#include "control/config/access_text.h"
#include "control/config/expand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the value of a member goes in "HEAD=BODY,BODY TAIL TAIL". */
enum member_place { HEAD, BODY, TAIL };

enum member_value {
	VALUE_TEXT,
	VALUE_ITEMS, /* one or several ITEMs (access_text.h) */
	VALUE_FLAG,  /* true: `before` itself is put */
};

static const struct member {
	enum config_key key;
	const char *name;
	enum member_place place;
	enum member_value value;
	const char *before;
	bool needed;
} members[] = {
    {KEY_zones, "file", BODY, VALUE_TEXT, "", true},
    {KEY_zones, "origin", HEAD, VALUE_TEXT, "", false},
    {KEY_zones, "view", TAIL, VALUE_TEXT, ",view=", false},
    {KEY_zones, "allow", TAIL, VALUE_ITEMS, ",allow=", false},
    {KEY_acl, "name", HEAD, VALUE_TEXT, "", true},
    {KEY_acl, "prefixes", BODY, VALUE_ITEMS, "", false},
    {KEY_acl, "file", BODY, VALUE_TEXT, "@", false},
    {KEY_views, "name", HEAD, VALUE_TEXT, "", true},
    {KEY_views, "clients", BODY, VALUE_ITEMS, "", false},
    {KEY_views, "file", BODY, VALUE_TEXT, "@", false},
    {KEY_views, "ecs", BODY, VALUE_FLAG, "ecs", false},
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

/* An entry on its way to text. */
struct entry {
	const struct config *config;
	enum config_key key;
	char *part[TAIL + 1];
	bool has[MEMBERS];
	bool bad; /* something has been reported */
};

#define REPORT(entry, node, ...)                                                                   \
	do {                                                                                       \
		(entry)->bad = true;                                                               \
		CONFIG_REPORT(node, __VA_ARGS__);                                                  \
	} while (0)

static const char *key_name(const struct entry *entry)
{
	return config_key_info(entry->key)->name;
}

bool config_entry_allowed(enum config_key key)
{
	for (size_t i = 0; i < MEMBERS; i++)
		if (members[i].key == key)
			return true;
	return false;
}

static void append(struct entry *entry, const struct member *member, const char *text)
{
	char **part = &entry->part[member->place];
	const char *old = *part != NULL ? *part : "";
	const char *between = member->place == BODY && *old != '\0' ? "," : "";
	char *joined;

	if (asprintf(&joined, "%s%s%s%s", old, between, member->before, text) < 0)
		abort();
	free(*part);
	*part = joined;
}

static bool is_defined(const struct config *config, enum config_key key, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < config->value[key].count; i++) {
		const char *text = config->value[key].text[i];

		if (strncmp(text, name, length) == 0 && text[length] == '=')
			return true;
	}
	return false;
}

bool config_items_known(const struct config *config, enum config_key key, struct fy_node *node,
			const char *items)
{
	const char *name = config_key_info(key)->name;
	struct access_item item;
	bool known = true;
	size_t length;

	while (items != NULL) {
		const char *text = access_items_next(&items, &length);

		if (access_item_read(text, length, &item) != NULL || item.kind != ACCESS_LIST ||
		    is_defined(config, KEY_acl, item.name))
			continue;
		CONFIG_REPORT(node, "%s: there is no list \"%s\"; define it under acl", name,
			      item.name);
		known = false;
	}
	return known;
}

static void check_item(struct entry *entry, struct fy_node *node, const char *text)
{
	struct access_item item;
	const char *why = access_item_read(text, strlen(text), &item);

	if (why != NULL)
		REPORT(entry, node, "%s: \"%s\" %s", key_name(entry), text, why);
	else if (!config_items_known(entry->config, entry->key, node, text))
		entry->bad = true;
}

static void check_text(struct entry *entry, struct fy_node *node, const struct member *member,
		       const char *text)
{
	bool names = member->place == HEAD && entry->key != KEY_zones;

	if (names && !access_is_name(text, strlen(text)))
		REPORT(entry, node,
		       "%s: \"%s\" is no name; use letters, digits, \".\", \"-\" and \"_\", a "
		       "letter first",
		       key_name(entry), text);
	else if (member->place == TAIL && !is_defined(entry->config, KEY_views, text))
		REPORT(entry, node, "%s: there is no view \"%s\"; define it under views",
		       key_name(entry), text);
	else if (member->before[0] == '@' && strchr(text, ',') != NULL)
		REPORT(entry, node, "%s: a file's name must not hold a comma here",
		       key_name(entry));
}

static void take_flag(struct entry *entry, struct fy_node *node, const struct member *member,
		      const char *text)
{
	int flag = config_flag_from_text(text);

	if (flag < 0)
		REPORT(entry, node, "%s: \"%s\" is neither true nor false", key_name(entry), text);
	else if (flag == 1)
		append(entry, member, "");
}

/* place: what to point at if the node is no scalar. */
static void take_scalar(struct entry *entry, struct fy_node *node, struct fy_node *place,
			const struct member *member)
{
	const char *raw = fy_node_is_scalar(node) ? fy_node_get_scalar0(node) : NULL;
	char error[512];
	char *text;

	if (raw == NULL) {
		REPORT(entry, place, "%s: wants a single value here", key_name(entry));
		return;
	}
	text = expand_variables(raw, error, sizeof(error));
	if (text == NULL) {
		REPORT(entry, node, "%s: %s", key_name(entry), error);
		return;
	}
	if (member->value == VALUE_ITEMS)
		check_item(entry, node, text);
	else if (member->value == VALUE_TEXT)
		check_text(entry, node, member, text);
	if (member->value == VALUE_FLAG)
		take_flag(entry, node, member, text);
	else
		append(entry, member, text);
	free(text);
}

static void take_pair(struct entry *entry, struct fy_node_pair *pair, const struct member *member)
{
	struct fy_node *node = fy_node_pair_value(pair), *key = fy_node_pair_key(pair);
	struct fy_node *item;
	void *at = NULL;

	if (member->value != VALUE_ITEMS || !fy_node_is_sequence(node)) {
		take_scalar(entry, node, key, member);
		return;
	}
	while ((item = fy_node_sequence_iterate(node, &at)) != NULL)
		take_scalar(entry, item, key, member);
}

/* "file" and "origin" */
static void list_members(enum config_key key, char *list, size_t size)
{
	size_t length = 0;

	list[0] = '\0';
	for (size_t i = 0; i < MEMBERS; i++)
		if (members[i].key == key && length < size)
			length += (size_t)snprintf(list + length, size - length, "%s\"%s\"",
						   length > 0 ? ", " : "", members[i].name);
}

static void take_member(struct entry *entry, struct fy_node_pair *pair)
{
	struct fy_node *key = fy_node_pair_key(pair);
	const char *name = fy_node_is_scalar(key) ? fy_node_get_scalar0(key) : "";
	char list[256];

	for (size_t i = 0; i < MEMBERS; i++) {
		if (members[i].key != entry->key || strcmp(members[i].name, name) != 0)
			continue;
		entry->has[i] = true;
		take_pair(entry, pair, &members[i]);
		return;
	}
	list_members(entry->key, list, sizeof(list));
	REPORT(entry, key, "%s: unknown key \"%s\"; there are %s", key_name(entry), name, list);
}

static void require_members(struct entry *entry, struct fy_node *mapping)
{
	for (size_t i = 0; i < MEMBERS; i++)
		if (members[i].key == entry->key && members[i].needed && !entry->has[i])
			REPORT(entry, mapping, "%s: an entry needs \"%s\"", key_name(entry),
			       members[i].name);
}

void config_entry_load(struct config *config, enum config_key key, struct fy_node *mapping)
{
	struct entry entry = {.config = config, .key = key};
	struct fy_node_pair *pair;
	char error[512], *text;
	void *at = NULL;

	while ((pair = fy_node_mapping_iterate(mapping, &at)) != NULL)
		take_member(&entry, pair);
	require_members(&entry, mapping);
	if (asprintf(&text, "%s%s%s%s", entry.part[HEAD] != NULL ? entry.part[HEAD] : "",
		     entry.part[HEAD] != NULL ? "=" : "",
		     entry.part[BODY] != NULL ? entry.part[BODY] : "",
		     entry.part[TAIL] != NULL ? entry.part[TAIL] : "") < 0)
		abort();
	if (!entry.bad && !config_add(config, key, text, error, sizeof(error)))
		CONFIG_REPORT(mapping, "%s", error);
	free(text);
	for (unsigned i = HEAD; i <= TAIL; i++)
		free(entry.part[i]);
}
