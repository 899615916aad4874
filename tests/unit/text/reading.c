/* reading.c: see reading.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reading.h"
#include "zones/name/name.h"

/* Doubles as it grows: some tests read thousands of records. */
static void append(char **to, const char *line)
{
	size_t used = strlen(*to), more = strlen(line) + 2, room = 64;

	while (room < used + 1)
		room *= 2;
	if (room < used + more || used == 0) {
		while (room < used + more)
			room *= 2;
		*to = realloc(*to, room);
		assert_non_null(*to);
	}
	memcpy(*to + used, line, more - 2);
	memcpy(*to + used + more - 2, "\n", 2);
}

static void show(void *context, enum severity severity, const char *line)
{
	struct reading *reading = context;

	(void)severity;
	append(&reading->shown, line);
}

static void take(void *context, const struct text_record *record)
{
	struct reading *reading = context;
	char owner[NAME_MAX_TEXT], type[TEXT_TYPE_MAX];
	char *line = malloc(2u * record->rdata_length + 1200);

	assert_int_equal(name_length(record->owner, record->owner_length), record->owner_length);
	name_to_text(record->owner, owner);
	int used = sprintf(line, "%s %u %s ", owner, record->ttl, text_of_type(record->type, type));
	for (uint16_t i = 0; i < record->rdata_length; i++)
		used += sprintf(line + used, "%02x", record->rdata[i]);
	append(&reading->records, line);
	free(line);
	reading->count++;
	reading->last_place = record->place;
}

static void begin(struct reading *reading)
{
	*reading = (struct reading){.records = strdup(""), .shown = strdup("")};
	diagnostics_init(&reading->all, show, reading);
}

void reading_of_octets(struct reading *reading, const char *text, size_t length)
{
	begin(reading);
	/* A copy on the heap without a NUL: a read past it shows under AddressSanitizer. */
	char *copy = malloc(length + (length == 0));
	memcpy(copy, text, length);
	reading->result = text_read_memory("t", copy, length, false, (const uint8_t *)"\7example",
					   take, reading, &reading->all);
	free(copy);
}

void reading_of_text(struct reading *reading, const char *text)
{
	reading_of_octets(reading, text, strlen(text));
}

void reading_of_file(struct reading *reading, const char *path)
{
	begin(reading);
	reading->result =
	    text_read_file(path, (const uint8_t *)"\7example", take, reading, &reading->all);
}

void reading_free(struct reading *reading)
{
	free(reading->records);
	free(reading->shown);
	diagnostics_free(&reading->all);
}

void assert_read(const char *text, const char *records, const char *shown)
{
	struct reading reading;

	reading_of_text(&reading, text);
	assert_string_equal(reading.shown, shown);
	assert_string_equal(reading.records, records);
	reading_free(&reading);
}
