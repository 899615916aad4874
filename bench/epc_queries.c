#include "bench/epc_queries.h"

#include "dataplane/net/checksum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum at { /* octets into a frame: Ethernet, IPv4 without options, UDP, DNS */
	  AT_TYPE = 12,
	  AT_IP = 14,
	  AT_PROTOCOL = 23,
	  AT_SOURCE = 26,
	  AT_UDP = 34,
	  AT_SUM = 40,
	  AT_DNS = 42,
	  AT_QUESTION = 54,
};

const char *const answer_fault_text[ANSWER_FAULTS] = {
    "right", "lengths", "checksum", "flags", "question", "record",
};

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static uint32_t address_of(unsigned n)
{
	return 198u << 24 | 18u << 16 | (n & 0x1ffff);
}

/* Text to wire form; returns its length, 0 if it is no name. */
static unsigned put_name(uint8_t *out, const char *text)
{
	unsigned used = 0;

	while (*text != '\0') {
		size_t label = strcspn(text, ".");

		if (label == 0 || label > 63 || used + label + 2 > 100)
			return 0;
		out[used] = (uint8_t)label;
		memcpy(out + used + 1, text, label);
		used += (unsigned)label + 1;
		text += label + (text[label] == '.');
	}
	out[used++] = 0;
	return used;
}

/* Of the UDP header, the payload and the pseudo header. */
static uint16_t udp_sum(const uint8_t *frame)
{
	unsigned length = get16(frame + AT_UDP + 4);

	return checksum_fold((uint64_t)checksum_sum(frame + AT_SOURCE, 8) + 17 + length +
			     checksum_sum(frame + AT_UDP, length));
}

static void put_headers(struct query_frame *query, unsigned n,
			const struct query_settings *settings)
{
	static const uint8_t ip[12] = {0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0};
	uint8_t *frame = query->octets;

	memcpy(frame, settings->destination_mac, 6);
	memcpy(frame + 6, "\x02\x00\x00\x00\x00\x01", 6);
	put16(frame + AT_TYPE, 0x0800);
	memcpy(frame + AT_IP, ip, sizeof(ip));
	put16(frame + AT_IP + 2, query->length - AT_IP);
	put16(frame + AT_SOURCE, 192u << 8 | 0);
	put16(frame + AT_SOURCE + 2, 2u << 8 | (100 + n % 16));
	put16(frame + AT_SOURCE + 4, settings->destination >> 16);
	put16(frame + AT_SOURCE + 6, settings->destination & 0xffff);
	put16(frame + AT_IP + 10, 0xffffu & ~checksum_sum(frame + AT_IP, 20));
	put16(frame + AT_UDP + 2, 53);
	put16(frame + AT_UDP + 4, query->length - AT_UDP);
	query->udp_sum = udp_sum(frame);
}

static bool make(struct query_frame *query, unsigned n, const struct query_settings *settings)
{
	static const uint8_t header[12] = {0, 0, 0, 0, 0, 1};
	static const uint8_t opt[11] = {0, 0, 41, 1232 >> 8, 1232 & 255};
	const char *hole = strstr(settings->pattern, "%d");
	uint8_t *dns = query->octets + AT_DNS;
	char name[256];
	unsigned length;

	if (!hole)
		return false;
	snprintf(name, sizeof(name), "%.*s%u%s", (int)(hole - settings->pattern), settings->pattern,
		 n, hole + 2);
	length = put_name(dns + 12, name);
	if (length == 0)
		return false;
	memcpy(dns, header, sizeof(header));
	put16(dns + 12 + length, 1);
	put16(dns + 14 + length, 1);
	query->question = (uint16_t)(length + 4);
	query->length = (uint16_t)(AT_QUESTION + query->question);
	if (settings->edns) {
		dns[11] = 1;
		memcpy(query->octets + query->length, opt, sizeof(opt));
		query->length += sizeof(opt);
	}
	put_headers(query, n, settings);
	return true;
}

bool query_table_make(struct query_table *table, const struct query_settings *settings)
{
	table->count = settings->names;
	table->frame = calloc(settings->names, sizeof(*table->frame));
	for (unsigned n = 0; table->frame && n < settings->names; n++) {
		if (!make(&table->frame[n], n, settings)) {
			query_table_free(table);
			return false;
		}
	}
	return table->frame != NULL;
}

void query_table_free(struct query_table *table)
{
	free(table->frame);
	table->frame = NULL;
}

uint16_t query_write(const struct query_table *table, unsigned n, uint16_t id, uint16_t port,
		     uint8_t *frame)
{
	const struct query_frame *query = &table->frame[n];
	unsigned sum = query->udp_sum;

	memcpy(frame, query->octets, QUERY_ROOM);
	put16(frame + AT_UDP, port);
	put16(frame + AT_DNS, id);
	/* Both stand at even offsets of what the sum covers, where zeros stood. */
	sum = 0xffffu & ~checksum_fold((uint64_t)sum + id + port);
	put16(frame + AT_SUM, sum == 0 ? 0xffff : sum);
	return query->length;
}

const uint8_t *query_message(const struct query_table *table, unsigned n, uint16_t *length)
{
	*length = (uint16_t)(table->frame[n].length - AT_DNS);
	return table->frame[n].octets + AT_DNS;
}

bool answer_identify(const uint8_t *frame, uint32_t length, uint16_t *id, uint16_t *port)
{
	if (length < AT_QUESTION || get16(frame + AT_TYPE) != 0x0800 || frame[AT_IP] != 0x45 ||
	    frame[AT_PROTOCOL] != 17 || get16(frame + AT_UDP) != 53)
		return false;
	*port = (uint16_t)get16(frame + AT_UDP + 2);
	*id = (uint16_t)get16(frame + AT_DNS);
	return true;
}

/* One A record whose owner is the pointer to the question, of class IN, with the right address. */
static bool is_record(const uint8_t *record, unsigned n)
{
	uint32_t address = address_of(n);

	return get16(record) == 0xc00c && get16(record + 2) == 1 && get16(record + 4) == 1 &&
	       get16(record + 10) == 4 && get16(record + 12) == address >> 16 &&
	       get16(record + 14) == (address & 0xffff);
}

enum answer_fault answer_check_message(const struct query_table *table, unsigned n,
				       const uint8_t *dns, uint32_t length)
{
	const struct query_frame *query = &table->frame[n];

	if (length < 12 + query->question + 16u)
		return ANSWER_LENGTHS;
	if ((get16(dns + 2) & 0xfe0f) != 0x8400)
		return ANSWER_FLAGS;
	if (get16(dns + 4) != 1 ||
	    memcmp(dns + 12, query->octets + AT_QUESTION, query->question) != 0)
		return ANSWER_QUESTION;
	if (get16(dns + 6) != 1 || !is_record(dns + 12 + query->question, n))
		return ANSWER_RECORD;
	return ANSWER_RIGHT;
}

enum answer_fault answer_check(const struct query_table *table, unsigned n, const uint8_t *frame,
			       uint32_t length)
{
	unsigned udp = get16(frame + AT_UDP + 4), ip = get16(frame + AT_IP + 2);

	if (ip != udp + 20 || ip + AT_IP > length || udp < 8)
		return ANSWER_LENGTHS;
	if (checksum_sum(frame + AT_IP, 20) != 0xffff || udp_sum(frame) != 0xffff)
		return ANSWER_CHECKSUM;
	return answer_check_message(table, n, frame + AT_DNS, udp - 8);
}
