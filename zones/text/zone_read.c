/* zone_read.c: the records of a file into a zone. */
#include <stdlib.h>
#include <string.h>

#include "zones/name/name.h"
#include "zones/record/record.h"
#include "zones/text/text.h"

/* Records that come before the SOA wait here for the apex; most files start with it. */
struct waiting {
	uint8_t *octets;
	size_t used, capacity;
};

struct waiting_head {
	uint32_t ttl, column;
	struct place place;
	uint16_t type, owner_length, rdata_length;
};

struct reading {
	struct zone *zone; /* NULL until the apex is known */
	struct waiting waiting;
	struct diagnostics *all;
	uint32_t announced; /* records that the zone has been told of */
	uint32_t names;	    /* when `left` octets were left of a file: where a guess starts */
	uint64_t left;
	uint8_t too_large[NAME_MAX_OCTETS]; /* owner and type of the last RRset that was */
	uint16_t too_large_type;
};

static void report(struct reading *reading, enum severity severity,
		   const struct text_record *record, const char *what)
{
	char owner[NAME_MAX_TEXT], type[TEXT_TYPE_MAX];

	name_to_text(record->owner, owner);
	diagnostics_report(reading->all, severity, record->place, record->column, "%s %s: %s",
			   owner, text_of_type(record->type, type), what);
}

static void report_out_of_zone(struct reading *reading, const struct text_record *record)
{
	char owner[NAME_MAX_TEXT], apex[NAME_MAX_TEXT];

	name_to_text(record->owner, owner);
	name_to_text(zone_apex(reading->zone), apex);
	diagnostics_report(reading->all, SEVERITY_ERROR, record->place, 1,
			   "%s is not in the zone %s, correct the name or move the record to its "
			   "zone",
			   owner, apex);
}

/* Once for the RRset: its other records would bury what else is wrong. */
static void report_too_large(struct reading *reading, const struct text_record *record)
{
	if (reading->too_large_type == record->type &&
	    name_equal(reading->too_large, record->owner))
		return;
	memcpy(reading->too_large, record->owner, record->owner_length);
	reading->too_large_type = record->type;
	report(reading, SEVERITY_ERROR, record,
	       "from here on this RRset would pass 65,535 octets, spread it over several names");
}

static void add(struct reading *reading, const struct text_record *record)
{
	switch (zone_add_measured(reading->zone, record->owner, record->owner_length, record->type,
				  record->ttl, record->rdata, record->rdata_length,
				  record->place)) {
	case ZONE_ADDED:
		break;
	case ZONE_DUPLICATE:
		/* A zone transfer written to a file ends with the SOA once more. */
		if (record->type != TYPE_SOA)
			report(reading, SEVERITY_WARNING, record,
			       "the same record stands here already, remove one");
		break;
	case ZONE_OUT_OF_ZONE:
		report_out_of_zone(reading, record);
		break;
	case ZONE_TTL_DIFFERS:
		report(reading, SEVERITY_WARNING, record,
		       "the TTL differs within this RRset, which keeps its first one; make them "
		       "equal");
		break;
	case ZONE_TOO_LARGE:
		report_too_large(reading, record);
		break;
	}
}

static void wait_for_apex(struct waiting *waiting, const struct text_record *record)
{
	const struct waiting_head head = {.ttl = record->ttl,
					  .column = record->column,
					  .place = record->place,
					  .type = record->type,
					  .owner_length = (uint16_t)record->owner_length,
					  .rdata_length = record->rdata_length};
	size_t more = sizeof(head) + record->owner_length + record->rdata_length;

	if (waiting->capacity - waiting->used < more) {
		waiting->capacity = 2 * waiting->capacity + more + 4096;
		waiting->octets = realloc(waiting->octets, waiting->capacity);
		if (waiting->octets == NULL)
			abort();
	}
	uint8_t *to = waiting->octets + waiting->used;
	memcpy(to, &head, sizeof(head));
	memcpy(to + sizeof(head), record->owner, record->owner_length);
	memcpy(to + sizeof(head) + record->owner_length, record->rdata, record->rdata_length);
	waiting->used += more;
}

/* The apex is known: what waited comes first. */
static void begin(struct reading *reading, const uint8_t *apex)
{
	struct waiting waiting = reading->waiting;
	size_t at = 0;

	reading->zone = zone_new(apex);
	reading->waiting = (struct waiting){0};
	while (at < waiting.used) {
		struct waiting_head head;

		memcpy(&head, waiting.octets + at, sizeof(head));
		at += sizeof(head);
		add(reading, &(struct text_record){.owner = waiting.octets + at,
						   .owner_length = head.owner_length,
						   .type = head.type,
						   .class = CLASS_IN,
						   .ttl = head.ttl,
						   .rdata = waiting.octets + at + head.owner_length,
						   .rdata_length = head.rdata_length,
						   .place = head.place,
						   .column = head.column});
		at += (size_t)head.owner_length + head.rdata_length;
	}
	free(waiting.octets);
}

#define GUESS_OCTETS 65536u /* of a file, for a guess of what the rest of it brings */

/* The rest of the file will have as many names as what was just read of it. */
static void expect(struct reading *reading, uint64_t left)
{
	uint64_t read = reading->left - left;

	if (reading->left > left && read < GUESS_OCTETS)
		return;
	uint32_t names = zone_names(reading->zone);
	if (reading->left > left)
		zone_expect(reading->zone, (uint64_t)(names - reading->names) * left / read);
	reading->names = names;
	reading->left = left;
}

/* Has brought near what adding the records that follow will want. */
static void announce(struct reading *reading, const struct text_record *record)
{
	if (reading->announced > 0) {
		reading->announced--;
		return;
	}
	for (uint32_t i = 1; i <= record->more; i++)
		zone_announce(reading->zone, record[i].owner, record[i].owner_length);
	reading->announced = record->more;
	if (record->left > 0)
		expect(reading, record->left);
}

static void take(void *context, const struct text_record *record)
{
	struct reading *reading = context;

	if (reading->zone == NULL && record->type == TYPE_SOA)
		begin(reading, record->owner);
	if (reading->zone != NULL) {
		announce(reading, record);
		add(reading, record);
	} else {
		wait_for_apex(&reading->waiting, record);
	}
}

static struct place whole_file(const char *path, struct diagnostics *all)
{
	return (struct place){.file = diagnostics_file(all, path)};
}

/* Nothing to judge: why is said here, unless single records have said it already. */
static void report_nothing(const char *path, bool has_apex, bool has_errors,
			   struct diagnostics *all)
{
	if (!has_apex)
		diagnostics_report(all, SEVERITY_ERROR, whole_file(path, all), 0,
				   "no SOA, and the file name is no zone name, add a SOA or write "
				   "ORIGIN=FILE");
	else if (!has_errors)
		diagnostics_report(
		    all, SEVERITY_ERROR, whole_file(path, all), 0,
		    "no record is in this file, write a SOA, NS and the zone's data");
}

struct zone *zone_read(const struct zone_source *source, struct diagnostics *all)
{
	const uint8_t *origin = source->origin_length != 0 ? source->origin : NULL;
	struct reading reading = {.all = all};
	uint64_t errors = all->errors;

	if (source->has_origin)
		begin(&reading, source->origin);
	bool is_text = text_read_file(source->path, origin, take, &reading, all);
	if (is_text && reading.zone == NULL && origin != NULL)
		begin(&reading, origin);
	free(reading.waiting.octets);
	if (is_text && reading.zone != NULL && zone_counts(reading.zone).records > 0)
		return reading.zone;
	if (is_text)
		report_nothing(source->path, reading.zone != NULL, all->errors > errors, all);
	if (reading.zone != NULL)
		zone_free(reading.zone);
	return NULL;
}
