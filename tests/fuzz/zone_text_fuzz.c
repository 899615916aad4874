/* Master files: whatever the text is, records that come out are whole, their rdata comes back from
 * its own text, a zone takes them, and the checks of a whole zone end. */
#include "zones/check/check.h"
#include "zones/name/name.h"
#include "zones/record/record.h"
#include "zones/text/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RECORDS_MOST 64u /* whose text is looked at: ldns is slow */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
	struct zone *zone;
	unsigned records;
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_text(const struct text_record *record)
{
	static char text[300000];
	static uint8_t again[65535];
	char message[256];
	uint16_t length;

	must(text_of_rdata(record->type, record->rdata, record->rdata_length, text, sizeof(text)));
	must(rdata_from_text(record->type, text, strlen(text), NULL, again, &length, message,
			     sizeof(message)));
	must(length == record->rdata_length && memcmp(again, record->rdata, length) == 0);
}

static void take(void *context, const struct text_record *record)
{
	struct reading *reading = context;

	must(name_length(record->owner, record->owner_length) == record->owner_length);
	must(rdata_is_sound(record->type, record->rdata, record->rdata_length));
	must(record->ttl <= INT32_MAX && record->class == CLASS_IN && record->place.line > 0);
	if (reading->records++ < RECORDS_MOST)
		check_text(record);
	zone_add(reading->zone, record->owner, record->type, record->ttl, record->rdata,
		 record->rdata_length, record->place);
}

static void show(void *context, enum severity severity, const char *line)
{
	(void)context;
	(void)severity;
	must(strncmp(line, "t:", 2) == 0 && strchr(line, '\n') == NULL);
}

/* A million generated records are legal, and no bug; they only cost the fuzzer its time. */
static bool generates_much(const char *text, size_t size)
{
	size_t digits = 0;
	bool many = false, directive = false;

	for (size_t i = 0; i < size && !(many && directive); i++) {
		digits = text[i] >= '0' && text[i] <= '9' ? digits + 1 : 0;
		many = many || digits > 3;
		directive =
		    directive || (size - i >= 9 && strncasecmp(text + i, "$GENERATE", 9) == 0);
	}
	return many && directive;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t origin[] = "\7example";
	struct reading reading = {.records = 0};
	const char *text = (const char *)data;
	struct diagnostics all;

	if (generates_much(text, size))
		return 0;
	reading.zone = zone_new(origin);
	diagnostics_init(&all, show, NULL);
	text_read_memory("t", text, size, false, origin, take, &reading, &all);
	all.show = NULL; /* findings on an empty zone have no place */
	zone_check(reading.zone, &all);
	zone_check_signatures(reading.zone, 1798761600u, &all);
	diagnostics_finish(&all);
	diagnostics_free(&all);
	zone_free(reading.zone);
	return 0;
}
