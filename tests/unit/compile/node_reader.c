#include "tests/unit/compile/node_reader.h"

#include <string.h>

/* A message in which a tail stands behind a question. */
struct message {
	struct random *random;
	uint8_t octets[70000];
	unsigned tail; /* offset */
	unsigned end;
	unsigned shift;
};

static const struct image_rrset *table_of(const struct image_node *node)
{
	unsigned at = (12u + node->name_length + 3u) / 4u * 4u;

	return (const struct image_rrset *)(const void *)((const uint8_t *)node + at);
}

uint16_t plain_sum(const uint8_t *octets, unsigned length)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < length; i++) {
		sum += i % 2 == 0 ? (uint32_t)octets[i] << 8 : octets[i];
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return (uint16_t)sum;
}

static void check_rrset(struct random *random, const struct image_node *node,
			const struct image_rrset *rrset)
{
	const uint8_t *tail = (const uint8_t *)node + rrset->tail * 4u;
	const uint8_t *table_end = (const uint8_t *)(table_of(node) + node->rrset_count);
	unsigned end = rrset->tail * 4u + rrset->signed_length;

	CHECK(random, tail >= table_end);
	if (rrset->target_count > 0)
		end = (end + 7u) / 8u * 8u + rrset->target_count * 16u;
	CHECK(random, end <= node->units * 16u);
	CHECK(random, rrset->signed_length >= rrset->length);
	CHECK(random, rrset->signed_count >= rrset->count && rrset->count > 0);
	CHECK(random, rrset->sum == plain_sum(tail, rrset->length));
	CHECK(random, rrset->signed_sum == plain_sum(tail, rrset->signed_length));
}

void node_check(struct random *random, const struct image_node *node)
{
	uint8_t lower[NAME_MAX_OCTETS];

	CHECK(random, node->units > 0 && node->units * 16u <= IMAGE_NODE_MAX);
	CHECK(random, name_length(node->name, NAME_MAX_OCTETS) == node->name_length);
	CHECK(random, name_labels(node->name) == node->labels);
	name_lower(lower, node->name, node->name_length);
	CHECK(random, memcmp(lower, node->name, node->name_length) == 0);
	CHECK(random, node->view == 0);
	for (unsigned i = 0; i < node->rrset_count; i++) {
		const struct image_rrset *rrset = &table_of(node)[i];

		CHECK(random, i == 0 || rrset[-1].type < rrset->type);
		check_rrset(random, node, rrset);
	}
}

const struct image_rrset *node_rrset(const struct image_node *node, uint16_t type)
{
	for (unsigned i = 0; i < node->rrset_count; i++) {
		if (table_of(node)[i].type == type)
			return &table_of(node)[i];
	}
	return NULL;
}

static void message_make(struct message *message, const struct image_node *node,
			 const struct image_rrset *rrset, unsigned length, const uint8_t *question)
{
	unsigned question_length = (unsigned)name_length(question, NAME_MAX_OCTETS);

	memset(message->octets, 0, 12);
	memcpy(message->octets + 12, question, question_length);
	memset(message->octets + 12 + question_length, 0xee, 4);
	message->tail = 12 + question_length + 4;
	memcpy(message->octets + message->tail, (const uint8_t *)node + rrset->tail * 4u, length);
	message->end = message->tail + length;
	message->shift = question_length - node->name_length;
}

/* Spells a name out; returns the octets that it takes where it stands. */
static unsigned spell(const struct message *message, unsigned at, uint8_t *name, bool *pointers)
{
	unsigned octets = 0, taken = 0;
	bool jumped = false;

	for (;;) {
		CHECK(message->random, at < message->end);
		uint8_t label = message->octets[at];

		if (label >= 0xc0) {
			unsigned to = get_u16(message->octets + at) - 0xc000u + message->shift;

			CHECK(message->random, to < at && to >= 12 && to < 0x4000);
			taken = jumped ? taken : octets + 2;
			jumped = *pointers = true;
			at = to;
			continue;
		}
		CHECK(message->random, label < 64 && octets + 1u + label <= NAME_MAX_OCTETS);
		memcpy(name + octets, message->octets + at, 1u + label);
		octets += 1u + label;
		at += 1u + label;
		if (label == 0)
			return jumped ? taken : octets;
	}
}

static void rdata_read(const struct message *message, unsigned at, unsigned length,
		       struct read_record *record)
{
	unsigned end = at + length, names = 0, prefix = 0, out = 0;

	if (record->type == TYPE_NS || record->type == TYPE_CNAME || record->type == TYPE_PTR)
		names = 1;
	if (record->type == TYPE_MX)
		names = 1, prefix = 2;
	if (record->type == TYPE_SOA)
		names = 2;
	memcpy(record->rdata, message->octets + at, prefix);
	out += prefix;
	at += prefix;
	record->name_at = names == 0 ? 0 : (uint16_t)(at - message->tail);
	for (; names > 0; names--) {
		at += spell(message, at, record->rdata + out, &record->pointers);
		out += (unsigned)name_length(record->rdata + out, NAME_MAX_OCTETS);
	}
	CHECK(message->random, at <= end && out + end - at <= sizeof(record->rdata));
	memcpy(record->rdata + out, message->octets + at, end - at);
	record->length = (uint16_t)(out + end - at);
}

unsigned node_records(struct random *random, const struct image_node *node,
		      const struct image_rrset *rrset, bool with_signatures,
		      const uint8_t *question, struct read_record *records, unsigned most)
{
	static struct message message;
	unsigned count = 0;

	message.random = random;
	message_make(&message, node, rrset, with_signatures ? rrset->signed_length : rrset->length,
		     question);
	for (unsigned at = message.tail; at < message.end; count++) {
		const uint8_t *head = message.octets + at;

		CHECK(random, count < most);
		CHECK(random, message.end - at >= 12);
		CHECK(random, get_u16(head) == 0xc00c && get_u16(head + 4) == CLASS_IN);
		CHECK(random, message.end - at - 12u >= get_u16(head + 10));
		memset(&records[count], 0, sizeof(records[count]));
		records[count].type = get_u16(head + 2);
		records[count].ttl = get_u32(head + 6);
		rdata_read(&message, at + 12, get_u16(head + 10), &records[count]);
		at += 12u + get_u16(head + 10);
	}
	return count;
}

void node_name_at(struct random *random, const struct image_node *node,
		  const struct image_rrset *rrset, uint16_t offset, uint8_t *name)
{
	static struct message message;
	bool pointers = false;

	message.random = random;
	message_make(&message, node, rrset, rrset->length, node->name);
	spell(&message, message.tail + offset, name, &pointers);
}

const struct image_target *node_targets(const struct image_node *node,
					const struct image_rrset *rrset)
{
	unsigned at = (rrset->tail * 4u + rrset->signed_length + 7u) / 8u * 8u;

	return (const struct image_target *)(const void *)((const uint8_t *)node + at);
}
