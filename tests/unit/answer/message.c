/* message.c: see message.h. */
#include "tests/unit/answer/message.h"

#include "zones/record/record.h"
#include "zones/text/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t message_query(uint8_t *wire, const uint8_t *name, uint16_t type,
		     const struct query_options *o)
{
	size_t length = name_length(name, NAME_MAX_OCTETS);
	uint8_t *at = wire + 12;

	memset(wire, 0, 12);
	put_u16(wire, 0x1234);
	put_u16(wire + 2, o->flags);
	put_u16(wire + 4, 1);
	memcpy(at, name, length);
	at += length;
	put_u16(at, type);
	put_u16(at + 2, o->class == 0 ? CLASS_IN : o->class);
	at += 4;
	if (!o->edns)
		return (size_t)(at - wire);
	put_u16(wire + 10, 1);
	memset(at, 0, 11);
	put_u16(at + 1, TYPE_OPT);
	put_u16(at + 3, o->udp_size == 0 ? 1232 : o->udp_size);
	at[6] = o->version;
	put_u16(at + 7, o->dnssec_ok ? 0x8000 : 0);
	put_u16(at + 9, o->options_length);
	if (o->options_length > 0)
		memcpy(at + 11, o->options, o->options_length);
	return (size_t)(at + 11 + o->options_length - wire);
}

size_t message_query_text(uint8_t *wire, const char *text, uint16_t type,
			  const struct query_options *o)
{
	uint8_t name[NAME_MAX_OCTETS];
	size_t length, bad;

	if (name_from_text(text, strlen(text), NULL, name, &length, &bad) != NAME_OK) {
		fprintf(stderr, "not a name: %s\n", text);
		abort();
	}
	return message_query(wire, name, type, o);
}

struct reader {
	const uint8_t *wire;
	size_t at, end;
	const char *wrong; /* sticky: the first thing that was */
};

static void wrong(struct reader *r, const char *what)
{
	if (r->wrong == NULL)
		r->wrong = what;
}

static const uint8_t *take(struct reader *r, size_t octets)
{
	static const uint8_t nothing[32];

	if (r->wrong != NULL || r->end - r->at < octets) {
		wrong(r, "the message ends too soon");
		return nothing;
	}
	r->at += octets;
	return r->wire + r->at - octets;
}

/* A name at *at, which is moved behind it; pointers must lead back. Returns its length. */
static size_t read_name(struct reader *r, size_t *at, size_t end, uint8_t *name)
{
	size_t here = *at, lowest = *at, length = 0;
	bool jumped = false;

	while (r->wrong == NULL) {
		if (here >= end) {
			wrong(r, "a name runs out of its place");
			break;
		}
		uint8_t octet = r->wire[here];
		if (octet >= 0xc0 && here + 1 < end) {
			if (!jumped)
				*at = here + 2;
			jumped = true;
			here = get_u16(r->wire + here) & 0x3fffu;
			if (here >= lowest || here < 12)
				wrong(r, "a pointer does not lead back");
			lowest = here;
			end = r->end;
			continue;
		}
		if (octet > 63 || here + 1u + octet > end ||
		    length + 1u + octet > NAME_MAX_OCTETS) {
			wrong(r, "a name is not legal");
			break;
		}
		memcpy(name + length, r->wire + here, 1u + octet);
		length += 1u + octet;
		here += 1u + octet;
		if (octet != 0)
			continue;
		if (!jumped)
			*at = here;
		return length;
	}
	return 0;
}

static void copy_rdata(uint8_t *rdata, size_t *length, const uint8_t *from, size_t octets)
{
	memcpy(rdata + *length, from, octets);
	*length += octets;
}

/* RFC 3597 4: only these types may hold compressed names. */
static void read_rdata(struct reader *r, uint16_t type, size_t end, uint8_t *rdata, size_t *length)
{
	uint8_t name[NAME_MAX_OCTETS];
	unsigned names = 0;
	size_t before = 0;

	switch (rdata_layout(type)) {
	case RDATA_COMPRESS_SOA:
		names = 2;
		break;
	case RDATA_COMPRESS_2_NAME:
		before = 2;
		names = 1;
		break;
	case RDATA_COMPRESS_NAME:
		names = 1;
		break;
	default:
		break;
	}
	*length = 0;
	if (before > end - r->at)
		wrong(r, "rdata is too short");
	else
		copy_rdata(rdata, length, take(r, before), before);
	for (; names > 0 && r->wrong == NULL; names--)
		copy_rdata(rdata, length, name, read_name(r, &r->at, end, name));
	if (r->wrong == NULL)
		copy_rdata(rdata, length, r->wire + r->at, end - r->at);
	r->at = end;
}

static void read_opt(struct reader *r, struct message *m, const uint8_t *fixed, bool at_root,
		     unsigned section)
{
	if (m->edns || !at_root || section != 2)
		wrong(r, "an OPT record stands where none may be");
	m->edns = true;
	m->udp_size = get_u16(fixed + 2);
	m->rcode = (uint16_t)(m->rcode | fixed[4] << 4);
	m->dnssec_ok = fixed[6] & 0x80;
	m->options = fixed + 10;
	m->options_length = get_u16(fixed + 8);
	if (fixed[5] != 0)
		wrong(r, "EDNS version is not 0");
	for (unsigned at = 0; at < m->options_length; at += 4u + get_u16(m->options + at + 2)) {
		if (m->options_length - at < 4 ||
		    get_u16(m->options + at + 2) > m->options_length - at - 4) {
			wrong(r, "an option is longer than the OPT record");
			break;
		}
	}
}

static void read_record(struct reader *r, struct message *m, unsigned section)
{
	struct message_record record = {0};
	static uint8_t rdata[MESSAGE_MAX + 2 * NAME_MAX_OCTETS];
	size_t length = 0;

	read_name(r, &r->at, r->end, record.owner);
	const uint8_t *fixed = take(r, 10);
	size_t octets = get_u16(fixed + 8);
	if (r->wrong != NULL || r->end - r->at < octets) {
		wrong(r, "a record ends too late");
		return;
	}
	if (get_u16(fixed) == TYPE_OPT)
		read_opt(r, m, fixed, record.owner[0] == 0, section);
	read_rdata(r, get_u16(fixed), r->at + octets, rdata, &length);
	if (get_u16(fixed) == TYPE_OPT || r->wrong != NULL)
		return;
	record.type = get_u16(fixed);
	record.class = get_u16(fixed + 2);
	record.ttl = get_u32(fixed + 4);
	record.rdata_length = (uint16_t)length;
	record.rdata = malloc(length + 1);
	memcpy(record.rdata, rdata, length);
	m->record[section][m->count[section]++] = record;
}

static void read_question(struct reader *r, struct message *m)
{
	m->has_question = true;
	read_name(r, &r->at, r->end, m->name);
	const uint8_t *fixed = take(r, 4);
	m->type = get_u16(fixed);
	m->class = get_u16(fixed + 2);
}

const char *message_parse(const uint8_t *wire, size_t length, struct message *m)
{
	struct reader r = {wire, 0, length, NULL};
	const uint8_t *header = take(&r, 12);

	memset(m, 0, sizeof(*m));
	m->id = get_u16(header);
	m->flags = get_u16(header + 2);
	m->rcode = m->flags & 15;
	if (get_u16(header + 4) > 1)
		wrong(&r, "more than one question");
	if (get_u16(header + 4) == 1)
		read_question(&r, m);
	for (unsigned s = 0; s < 3; s++) {
		unsigned count = get_u16(header + 6 + 2 * s);

		m->record[s] = calloc(count + 1u, sizeof(*m->record[s]));
		for (unsigned i = 0; i < count && r.wrong == NULL; i++)
			read_record(&r, m, s);
	}
	if (r.wrong == NULL && r.at != r.end)
		wrong(&r, "octets stand behind the last record");
	return r.wrong;
}

void message_free(struct message *m)
{
	for (unsigned s = 0; s < 3; s++) {
		for (unsigned i = 0; i < m->count[s]; i++)
			free(m->record[s][i].rdata);
		free(m->record[s]);
		m->record[s] = NULL;
		m->count[s] = 0;
	}
}

void message_record_text(const struct message_record *record, char *text)
{
	char owner[NAME_MAX_TEXT], type[TEXT_TYPE_MAX];
	static char rdata[4 * MESSAGE_MAX];

	name_to_text(record->owner, owner);
	if (!text_of_rdata(record->type, record->rdata, record->rdata_length, rdata, sizeof(rdata)))
		snprintf(rdata, sizeof(rdata), "(malformed, %u octets)", record->rdata_length);
	snprintf(text, MESSAGE_TEXT, "%s %u %s %.2048s", owner, record->ttl,
		 text_of_type(record->type, type), rdata);
}
