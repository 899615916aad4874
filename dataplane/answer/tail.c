/* tail.c: see tail.h. */
#include "dataplane/answer/tail.h"

#include "dataplane/answer/query.h"
#include "zones/record/record.h"

#include <string.h>

void tail_open(const struct image_node *node, const struct image_rrset *rrset, enum tail_part part,
	       struct tail *tail)
{
	tail->node = node;
	tail->rrset = rrset;
	tail->octets = image_tail(node, rrset);
	tail->length = part == TAIL_PLAIN ? rrset->length : rrset->signed_length;
	tail->count = part == TAIL_PLAIN ? rrset->count : rrset->signed_count;
	tail->plain = rrset->count;
	if (part != TAIL_SIGNATURES)
		return;
	/* A damaged image may say that there is less with signatures than without. */
	bool some = rrset->signed_length > rrset->length && rrset->signed_count > rrset->count;
	tail->octets += rrset->length;
	tail->length = some ? rrset->signed_length - rrset->length : 0u;
	tail->count = some ? (uint16_t)(rrset->signed_count - rrset->count) : 0;
	tail->plain = 0;
}

bool tail_record(const struct tail *tail, uint32_t *at, uint32_t *record, uint32_t *rdata)
{
	uint32_t start = *at;

	if (start > tail->length || tail->length - start < 12)
		return false;
	uint32_t octets = 12u + get_u16(tail->octets + start + 10);
	if (octets > tail->length - start)
		return false;
	*record = start;
	*rdata = start + 12;
	*at = start + octets;
	return true;
}

/* The octets from a home offset on, as far as they are contiguous; 0: nothing is there. */
static size_t home_octets(const struct image_node *node, const struct image_rrset *rrset,
			  uint32_t offset, const uint8_t **octets)
{
	uint32_t tail = DNS_HEADER + node->name_length + 4u;
	uint32_t length =
	    rrset->signed_length > rrset->length ? rrset->signed_length : rrset->length;

	if (offset >= DNS_HEADER && offset < DNS_HEADER + node->name_length) {
		*octets = node->name + (offset - DNS_HEADER);
		return node->name_length - (offset - DNS_HEADER);
	}
	if (offset < tail || offset - tail >= length)
		return 0;
	*octets = image_tail(node, rrset) + (offset - tail);
	return length - (offset - tail);
}

/* Copies labels until the root or a pointer. Returns the octets read there, 0 if it is no name;
 * *pointer is 0 at the root. */
static size_t copy_labels(const uint8_t *from, size_t available, uint8_t *name, size_t *length,
			  uint32_t *pointer)
{
	size_t at = 0;

	*pointer = 0;
	while (at < available && from[at] <= 63) {
		size_t octets = 1u + from[at];

		if (octets > available - at || octets > NAME_MAX_OCTETS - *length)
			return 0;
		memcpy(name + *length, from + at, octets);
		*length += octets;
		at += octets;
		if (octets == 1)
			return at;
	}
	if (available - at < 2 || from[at] < 0xc0)
		return 0;
	*pointer = get_u16(from + at) & 0x3fffu;
	return at + 2;
}

size_t tail_name(const struct image_node *node, const struct image_rrset *rrset, uint32_t offset,
		 uint8_t *name, uint32_t *end)
{
	uint32_t at = DNS_HEADER + node->name_length + 4u + offset;
	size_t length = 0;
	bool first = true;

	for (;;) {
		const uint8_t *octets = NULL;
		uint32_t pointer;
		size_t available = home_octets(node, rrset, at, &octets);
		size_t read = copy_labels(octets, available, name, &length, &pointer);

		if (read == 0)
			return 0;
		if (first && end != NULL)
			*end = offset + (uint32_t)read;
		first = false;
		if (pointer == 0)
			return length;
		if (pointer >= at) /* only ever back, so this ends */
			return 0;
		at = pointer;
	}
}
