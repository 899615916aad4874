#include "control/policy/audience.h"

#include "control/policy/access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What went wrong is said of a setting. */
static bool blame(const struct config *config, enum config_key key, size_t index, char *error,
		  size_t error_size)
{
	char why[512];

	snprintf(why, sizeof(why), "%s", error);
	snprintf(error, error_size, "%s: \"%s\": %s", config_key_info(key)->name,
		 config->value[key].text[index], why);
	return false;
}

static bool add_all(struct access *access, const struct config *config, enum config_key key,
		    bool (*add)(struct access *access, const char *text, char *error,
				size_t error_size),
		    char *error, size_t error_size)
{
	for (size_t i = 0; i < config->value[key].count; i++)
		if (!add(access, config->value[key].text[i], error, error_size))
			return blame(config, key, i, error, error_size);
	return true;
}

static bool add_zone(struct access *access, const char *text, struct audience_zone *zone,
		     char *error, size_t error_size)
{
	if (!zone_text_read(text, &zone->text, error, error_size))
		return false;
	zone->terms.view_name = zone->text.view;
	zone->terms.allow = zone->text.allow;
	if (zone->text.view != NULL &&
	    !access_view(access, zone->text.view, &zone->terms.view, error, error_size))
		return false;
	return zone->text.allow == NULL ||
	       access_rule(access, zone->text.allow, &zone->terms.acl, error, error_size);
}

static bool add_zones(struct access *access, const struct config *config,
		      struct audience_zone *zones, char *error, size_t error_size)
{
	const struct config_value *value = &config->value[KEY_zones];

	for (size_t i = 0; i < value->count; i++)
		if (!add_zone(access, value->text[i], &zones[i], error, error_size))
			return blame(config, KEY_zones, i, error, error_size);
	return true;
}

/* Some of the rates that policy.c sets is not 0. */
static bool is_limited(const struct config *config)
{
	return config_number(config, KEY_rate_limit) != 0 ||
	       config_number(config, KEY_rate_limit_negative) != 0 ||
	       config_number(config, KEY_rate_limit_errors) != 0;
}

/* Without a limit nobody is looked for who would be exempt from it. */
static bool add_exempt(struct access *access, const struct config *config, char *error,
		       size_t error_size)
{
	if (!is_limited(config))
		return true;
	if (!config_is_set(config, KEY_rate_limit_exempt))
		return access_exempt(access, config_text(config, KEY_rate_limit_exempt), error,
				     error_size);
	return add_all(access, config, KEY_rate_limit_exempt, access_exempt, error, error_size);
}

/* zones: one for each value of the key, zeroed. NULL: something is wrong. */
static struct access *access_of(const struct config *config, struct audience_zone *zones,
				char *error, size_t error_size)
{
	struct access *access = access_new();

	if (add_all(access, config, KEY_acl, access_add_list, error, error_size) &&
	    add_all(access, config, KEY_views, access_add_view, error, error_size) &&
	    add_zones(access, config, zones, error, error_size) &&
	    add_exempt(access, config, error, error_size))
		return access;
	access_free(access);
	return NULL;
}

static struct audience_zone *zones_new(const struct config *config)
{
	struct audience_zone *zones = calloc(config->value[KEY_zones].count + 1, sizeof(*zones));

	if (zones == NULL)
		abort();
	return zones;
}

void audience_zones_free(struct audience_zone *zones, size_t count)
{
	for (size_t i = 0; zones != NULL && i < count; i++)
		zone_text_free(&zones[i].text);
	free(zones);
}

struct audience_zone *audience_zones(const struct config *config, char *error, size_t error_size)
{
	struct audience_zone *zones = zones_new(config);
	struct access *access = access_of(config, zones, error, error_size);

	if (access == NULL) {
		audience_zones_free(zones, config->value[KEY_zones].count);
		return NULL;
	}
	access_free(access);
	return zones;
}

bool audience_table(const struct config *config, struct client_table **table, char *error,
		    size_t error_size)
{
	struct audience_zone *zones = zones_new(config);
	struct access *access = access_of(config, zones, error, error_size);

	*table = NULL;
	if (access != NULL) {
		*table = access_table(access, error, error_size);
		access_free(access);
	}
	audience_zones_free(zones, config->value[KEY_zones].count);
	return *table != NULL || (access != NULL && error[0] == '\0');
}
