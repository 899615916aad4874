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
	tail->length = some ? (uint32_t)(rrset->signed_length - rrset->length) : 0;
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

/* What stands of a name in one place. */
struct piece {
	size_t length;	  /* octets of labels, the root label included if the name ends here */
	uint32_t pointer; /* where it goes on; 0: it ends here */
};

static bool read_piece(const uint8_t *from, size_t available, struct piece *piece)
{
	size_t at = 0;

	while (at < available && at < NAME_MAX_OCTETS && from[at] <= 63 && from[at] != 0)
		at += 1u + from[at];
	if (at < available && from[at] == 0) {
		*piece = (struct piece){at + 1, 0};
		return true;
	}
	if (available < 2 || at > available - 2 || from[at] < 0xc0)
		return false;
	*piece = (struct piece){at, get_u16(from + at) & 0x3fffu};
	return piece->pointer != 0;
}

static void copy(uint8_t *to, const uint8_t *from, size_t length, enum tail_case wanted)
{
	if (wanted == TAIL_CASE_LOWER)
		name_lower(to, from, length);
	else
		memcpy(to, from, length);
}

size_t tail_name(const struct image_node *node, const struct image_rrset *rrset, uint32_t offset,
		 enum tail_case wanted, uint8_t *name, uint32_t *end)
{
	uint32_t at = DNS_HEADER + node->name_length + 4u + offset;
	uint32_t *first = end;
	size_t length = 0;

	for (;;) {
		const uint8_t *octets = NULL;
		size_t available = home_octets(node, rrset, at, &octets);
		struct piece piece;

		if (!read_piece(octets, available, &piece) ||
		    piece.length > NAME_MAX_OCTETS - length)
			return 0;
		copy(name + length, octets, piece.length, wanted);
		length += piece.length;
		if (first != NULL)
			*first = offset + (uint32_t)piece.length + (piece.pointer != 0 ? 2 : 0);
		first = NULL;
		if (piece.pointer == 0)
			return length;
		if (piece.pointer >= at) /* only ever back, so this ends */
			return 0;
		at = piece.pointer;
	}
}
