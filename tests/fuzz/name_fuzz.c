/* Names: any octets as text, and as wire. What is taken is a legal name, comes back from its own
 * text, equals itself in any case, and is ordered the same way from both sides. */
#include "zones/name/name.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t origin[] = "\7example\3ORG";

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_name(const uint8_t *name, size_t length)
{
	uint8_t lower[NAME_MAX_OCTETS], back[NAME_MAX_OCTETS];
	char text[NAME_MAX_TEXT];
	size_t back_length, bad_at;

	must(name_length(name, length) == length);
	must(*name_skip(name, name_labels(name)) == 0);
	size_t printed = name_to_text(name, text);
	must(printed < NAME_MAX_TEXT && strlen(text) == printed);
	must(name_from_text(text, printed, NULL, back, &back_length, &bad_at) == NAME_OK);
	must(back_length == length && memcmp(back, name, length) == 0);
	name_lower(lower, name, length);
	must(name_length(lower, length) == length);
	must(name_equal(lower, name) && name_compare(lower, name) == 0);
	must(name_is_at_or_below(name, (const uint8_t *)""));
	int order = name_compare(name, origin), reverse = name_compare(origin, name);
	must((order > 0) - (order < 0) == (reverse < 0) - (reverse > 0));
	must((order == 0) == name_equal(name, origin));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t wire[NAME_MAX_OCTETS];
	size_t length, bad_at;

	enum name_error error =
	    name_from_text((const char *)data, size, origin, wire, &length, &bad_at);
	if (error == NAME_OK)
		check_name(wire, length);
	else
		must(bad_at <= size && *name_error_text(error) != '\0');
	length = name_length(data, size);
	must(length <= size);
	if (length != 0)
		check_name(data, length);
	return 0;
}
