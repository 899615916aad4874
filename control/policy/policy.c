/* policy.c: see policy.h. */
#include "control/policy/policy.h"

#include "control/policy/audience.h"
#include "control/policy/cookie_secrets.h"
#include "control/policy/hex.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HOST_NAME_MOST 65 /* with its NUL */

static bool is_off(const char *text)
{
	return text != NULL && strcmp(text, "off") == 0;
}

/* A character-string of TXT (RFC 1035 3.3) or an option's data. */
static bool set_text(const struct config *config, enum config_key key, const char *text,
		     size_t most, struct policy_text *to, char *error, size_t error_size)
{
	size_t length;

	if (config_is_set(config, key))
		text = config_text(config, key);
	length = is_off(text) ? 0 : strlen(text);
	if (length > most) {
		snprintf(error, error_size, "%s: longer than %zu octets",
			 config_key_info(key)->name, most);
		return false;
	}
	to->length = (uint8_t)length;
	memcpy(to->octets, text, length);
	return true;
}

/* RFC 4892: what is not given are our version and the host's name. */
static bool set_chaos(const struct config *config, struct image_policy *policy, char *error,
		      size_t error_size)
{
	char host[HOST_NAME_MOST] = "";

	if (gethostname(host, sizeof(host)) != 0)
		host[0] = '\0';
	host[sizeof(host) - 1] = '\0';
	return set_text(config, KEY_chaos_version, "Skua " SKUA_VERSION,
			sizeof(policy->version.octets), &policy->version, error, error_size) &&
	       set_text(config, KEY_chaos_identity, host, sizeof(policy->identity.octets),
			&policy->identity, error, error_size);
}

static bool set_nsid(const struct config *config, struct image_policy *policy, char *error,
		     size_t error_size)
{
	const char *text = config_text(config, KEY_nsid);
	size_t octets;

	if (strncmp(text, "0x", 2) != 0)
		return set_text(config, KEY_nsid, text, POLICY_NSID_MOST, &policy->nsid, error,
				error_size);
	if (!hex_from_text(text + 2, policy->nsid.octets, POLICY_NSID_MOST, &octets)) {
		snprintf(error, error_size,
			 "nsid: \"%s\" is no even number of hexadecimal digits, or more than %u "
			 "octets",
			 text, POLICY_NSID_MOST);
		return false;
	}
	policy->nsid.length = (uint8_t)octets;
	return true;
}

static bool set_cookies(const struct config *config, struct policy_cookies *cookies, char *error,
			size_t error_size)
{
	const char *path = config_text(config, KEY_cookie_secret_file);

	if (!config_flag(config, KEY_cookies))
		return true;
	if (path == NULL)
		return cookie_secrets_random(cookies, error, error_size);
	return cookie_secrets_read(path, cookies, error, error_size);
}

static void set_settings(const struct config *config, struct image_settings *settings)
{
	static const uint8_t rotate[] = {IMAGE_ROTATE_ON, IMAGE_ROTATE_OFF, IMAGE_ROTATE_FIXED};

	settings->udp_size = (uint16_t)config_number(config, KEY_udp_size);
	settings->additional = config_flag(config, KEY_additional);
	settings->rotate = rotate[config_choice(config, KEY_rotate)];
}

static uint32_t rate(const struct config *config, enum config_key key)
{
	return (uint32_t)config_number(config, config_is_set(config, key) ? key : KEY_rate_limit);
}

static void set_rate_limit(const struct config *config, struct policy_rate_limit *limit)
{
	limit->rate[POLICY_RATE_ANSWERS] = rate(config, KEY_rate_limit);
	limit->rate[POLICY_RATE_NEGATIVE] = rate(config, KEY_rate_limit_negative);
	limit->rate[POLICY_RATE_REFERRALS] = rate(config, KEY_rate_limit);
	limit->rate[POLICY_RATE_ERRORS] = rate(config, KEY_rate_limit_errors);
	limit->slip = (uint8_t)config_number(config, KEY_rate_limit_slip);
	limit->ipv4_length = (uint8_t)config_number(config, KEY_rate_limit_ipv4_prefix);
	limit->ipv6_length = (uint8_t)config_number(config, KEY_rate_limit_ipv6_prefix);
}

bool policy_make(const struct config *config, struct policy *policy, char *error, size_t error_size)
{
	static const uint8_t any[] = {POLICY_ANY_ONE, POLICY_ANY_ALL, POLICY_ANY_HINFO};

	memset(policy, 0, sizeof(*policy)); /* also what is between fields: policies are compared */
	set_settings(config, &policy->settings);
	policy->image.any = any[config_choice(config, KEY_any)];
	policy->image.nsec3_hashes = (uint32_t)config_number(config, KEY_nsec3_hashes);
	policy->image.extended_errors = config_flag(config, KEY_extended_errors);
	set_rate_limit(config, &policy->image.rate_limit);
	return set_chaos(config, &policy->image, error, error_size) &&
	       set_nsid(config, &policy->image, error, error_size) &&
	       set_cookies(config, &policy->image.cookies, error, error_size) &&
	       audience_table(config, &policy->clients, error, error_size);
}

void policy_done(struct policy *policy)
{
	client_table_free(policy->clients);
	policy->clients = NULL;
}

bool policy_equal(const struct policy *a, const struct policy *b)
{
	bool both = a->clients != NULL && b->clients != NULL;

	return memcmp(&a->settings, &b->settings, sizeof(a->settings)) == 0 &&
	       memcmp(&a->image, &b->image, sizeof(a->image)) == 0 &&
	       (both ? client_table_equal(a->clients, b->clients) : a->clients == b->clients);
}
