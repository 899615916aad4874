/* reading.h: zone text read into lines that tests compare: "owner ttl TYPE hexadecimal". */
#ifndef SKUA_TESTS_UNIT_TEXT_READING_H
#define SKUA_TESTS_UNIT_TEXT_READING_H

#include <stdbool.h>
#include <stddef.h>

#include "zones/text/text.h"

struct reading {
	char *records; /* a line each */
	char *shown;   /* diagnostics, a line each */
	unsigned count;
	struct place last_place;
	struct diagnostics all;
	bool result; /* what the reader returned */
};

/* Text as file "t", with the origin "example." */
void reading_of_text(struct reading *reading, const char *text);
void reading_of_octets(struct reading *reading, const char *text, size_t length);
void reading_of_file(struct reading *reading, const char *path);
void reading_free(struct reading *reading);

/* Reads text, and fails unless records and diagnostics are exactly these. */
void assert_read(const char *text, const char *records, const char *shown);

#endif
