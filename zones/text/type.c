/* type.c: record types by name; text of rdata. ldns knows them all, but searches in a row: the
 * usual ones are found here first. */
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "zones/record/record.h"
#include "zones/text/lexer.h"
#include "zones/text/rdata.h"
#include "zones/text/text.h"

static const struct {
	const char *name;
	uint16_t type;
} usual[] = {
    {"A", 1},	   {"AAAA", 28}, {"CNAME", 5},	{"NS", 2},	{"NAPTR", 35}, {"PTR", 12},
    {"RRSIG", 46}, {"TXT", 16},	 {"SRV", 33},	{"NSEC", 47},	{"NSEC3", 50}, {"MX", 15},
    {"DS", 43},	   {"SOA", 6},	 {"HTTPS", 65}, {"DNSKEY", 48}, {"CAA", 257},
};

const char *text_of_type(uint16_t type, char text[TEXT_TYPE_MAX])
{
	const ldns_rr_descriptor *fields = ldns_rr_descript(type);

	if (fields != NULL && fields->_name != NULL && fields->_type == type)
		snprintf(text, TEXT_TYPE_MAX, "%s", fields->_name);
	else
		snprintf(text, TEXT_TYPE_MAX, "TYPE%u", type);
	return text;
}

bool type_from_text(const char *text, size_t length, uint16_t *type)
{
	char name[TEXT_TYPE_MAX];
	uint32_t number;

	if (length == 0 || length >= sizeof(name))
		return false;
	memcpy(name, text, length);
	name[length] = '\0';
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		if (strcasecmp(usual[i].name, name) == 0) {
			*type = usual[i].type;
			return true;
		}
	}
	if (strncasecmp(name, "TYPE", 4) == 0) {
		if (!number_from_text(name + 4, length - 4, UINT16_MAX, &number))
			return false;
		*type = (uint16_t)number;
		return true;
	}
	*type = (uint16_t)ldns_get_rr_type_by_name(name);
	return *type != 0;
}

bool rdata_from_text(uint16_t type, const char *text, size_t text_length, const uint8_t *origin,
		     uint8_t *rdata, uint16_t *length, char *message, size_t room)
{
	static const struct token nowhere = {.text = "", .line = 1, .column = 1};
	const char *at = text, *end = text + text_length;
	struct rdata_fault fault = {.text = "unbalanced quotes or parentheses, or a line break, "
					    "in record data"};
	struct entry entry = {0};
	uint32_t line = 1;
	bool good = false;

	enum lexer_result result = lexer_next(&at, end, true, &line, &entry);
	if (result == LEXER_END)
		good = rdata_read(type, &nowhere, NULL, 0, origin, rdata, length, &fault);
	else if (entry.fault == LEXER_NO_FAULT && at == end)
		good = rdata_read(type, &nowhere, entry.tokens, entry.count, origin, rdata, length,
				  &fault);
	entry_free(&entry);
	if (!good)
		snprintf(message, room, "%s", fault.text);
	return good;
}

/* RFC 3597 5, which fits every type. */
static bool generic_text(const uint8_t *rdata, uint16_t length, char *text, size_t room)
{
	int used = snprintf(text, room, length != 0 ? "\\# %u " : "\\# %u", length);

	if (used < 0 || (size_t)used + 2u * length >= room)
		return false;
	for (uint16_t i = 0; i < length; i++)
		snprintf(text + used + 2 * i, 3, "%02x", rdata[i]);
	return true;
}

static ldns_rr *record_of(uint16_t type, const uint8_t *rdata, uint16_t length)
{
	uint8_t *wire = calloc(1, 11u + length);
	ldns_rr *record = NULL;
	size_t at = 0;

	if (wire == NULL)
		abort();
	put_u16(wire + 1, type);
	put_u16(wire + 3, CLASS_IN);
	put_u16(wire + 9, length);
	memcpy(wire + 11, rdata, length);
	if (ldns_wire2rr(&record, wire, 11u + length, &at, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK)
		record = NULL;
	free(wire);
	return record;
}

/* ldns's fields with blanks between; false if it has none or they do not fit. */
static bool fields_text(const ldns_rr *record, char *text, size_t room)
{
	size_t used = 0;

	for (size_t i = 0; i < ldns_rr_rd_count(record); i++) {
		char *field = ldns_rdf2str(ldns_rr_rdf(record, i));
		size_t length = field != NULL ? strlen(field) : room;

		if (used + length + 2 > room) {
			free(field);
			return false;
		}
		if (used > 0)
			text[used++] = ' ';
		memcpy(text + used, field, length + 1);
		used += length;
		free(field);
	}
	return used > 0;
}

bool text_of_rdata(uint16_t type, const uint8_t *rdata, uint16_t length, char *text, size_t room)
{
	char message[256];
	uint16_t again_length;

	if (room == 0 || !rdata_is_sound(type, rdata, length))
		return false;
	ldns_rr *record = record_of(type, rdata, length);
	bool good = record != NULL && fields_text(record, text, room);
	ldns_rr_free(record);
	if (good) {
		/* Only text that comes back as the same octets is shown. */
		uint8_t *again = malloc(RDATA_MAX_OCTETS);

		if (again == NULL)
			abort();
		good = rdata_from_text(type, text, strlen(text), NULL, again, &again_length,
				       message, sizeof(message)) &&
		       again_length == length && memcmp(again, rdata, length) == 0;
		free(again);
	}
	return good || generic_text(rdata, length, text, room);
}
