#include "control/config/access_text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool access_is_name(const char *text, size_t length)
{
	if (length == 0 || length > ACCESS_NAME_MAX || !isalpha((unsigned char)text[0]))
		return false;
	for (size_t i = 1; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && strchr(".-_", text[i]) == NULL)
			return false;
	return true;
}

static bool is_word(const char *text, const char *word)
{
	return strcmp(text, word) == 0;
}

const char *access_item_read(const char *text, size_t length, struct access_item *item)
{
	item->taken_out = length > 0 && text[0] == '!';
	text += item->taken_out;
	length -= item->taken_out;
	if (length == 0)
		return "is empty; write an address, a prefix, @FILE or the name of a list";
	if (length >= sizeof(item->name))
		return "is too long";
	bool file = text[0] == '@';

	memcpy(item->name, text + file, length - file);
	item->name[length - file] = '\0';
	if (file) {
		item->kind = ACCESS_FILE;
		return item->name[0] != '\0' ? NULL : "names no file behind the @";
	}
	item->kind = is_word(item->name, "any")	   ? ACCESS_ANY
		     : is_word(item->name, "none") ? ACCESS_NONE
						   : ACCESS_LIST;
	if (item->kind == ACCESS_LIST && !access_is_name(text, length)) {
		item->kind = ACCESS_PREFIX;
		return prefix_from_text(item->name, &item->prefix);
	}
	return NULL;
}

const char *access_items_next(const char **at, size_t *length)
{
	const char *item = *at;

	*length = strcspn(item, ",");
	*at = item[*length] == ',' ? item + *length + 1 : NULL;
	return item;
}

bool access_items_check(const char *items, char *error, size_t error_size)
{
	struct access_item item;
	size_t length;

	while (items != NULL) {
		const char *text = access_items_next(&items, &length);
		const char *why = access_item_read(text, length, &item);

		if (why == NULL)
			continue;
		snprintf(error, error_size, "\"%.*s\" %s", (int)length, text, why);
		return false;
	}
	return true;
}

bool access_text_check(const char *text, char *error, size_t error_size)
{
	const char *equals = strchr(text, '=');
	size_t length = equals == NULL ? 0 : (size_t)(equals - text);

	if (!access_is_name(text, length)) {
		snprintf(error, error_size,
			 "\"%s\" does not begin with a name and \"=\", such as core=10.0.0.0/8",
			 text);
		return false;
	}
	if (strncmp(text, "any=", 4) == 0 || strncmp(text, "none=", 5) == 0 ||
	    strncmp(text, "ecs=", 4) == 0) {
		snprintf(error, error_size, "\"%.*s\" has a meaning of its own; take another name",
			 (int)length, text);
		return false;
	}
	return access_items_check(equals + 1, error, error_size);
}

static char *copy(const char *text, size_t length)
{
	char *made = strndup(text, length);

	if (made == NULL)
		abort();
	return made;
}

/* Puts an item in front of the others. */
static void allow_also(struct zone_text *zone, const char *item)
{
	char *joined;

	if (asprintf(&joined, "%s%s%s", item, zone->allow != NULL ? "," : "",
		     zone->allow != NULL ? zone->allow : "") < 0)
		abort();
	free(zone->allow);
	zone->allow = joined;
}

/* Takes the last ",view=…" or ",allow=…" off; false: there is none. */
static bool take_last(struct zone_text *zone)
{
	char *comma = strrchr(zone->zone, ',');

	if (comma == NULL || access(zone->zone, F_OK) == 0)
		return false;
	if (strncmp(comma, ",view=", 6) == 0) {
		free(zone->view);
		zone->view = copy(comma + 6, strlen(comma + 6));
	} else if (strncmp(comma, ",allow=", 7) == 0) {
		allow_also(zone, comma + 7);
	} else {
		return false;
	}
	*comma = '\0';
	return true;
}

bool zone_text_read(const char *text, struct zone_text *zone, char *error, size_t error_size)
{
	*zone = (struct zone_text){.zone = copy(text, strlen(text))};
	while (take_last(zone))
		continue;
	if (zone->view != NULL && !access_is_name(zone->view, strlen(zone->view))) {
		snprintf(error, error_size, "\"%s\" is no name of a view", zone->view);
		return false;
	}
	return zone->allow == NULL || access_items_check(zone->allow, error, error_size);
}

void zone_text_free(struct zone_text *zone)
{
	free(zone->zone);
	free(zone->view);
	free(zone->allow);
}
