#include "zones/compile/node.h"

#include "zones/compile/tail.h"
#include "zones/compile/targets.h"
#include "zones/name/name.h"
#include "zones/record/record.h"

#include <string.h>

#define MESSAGE_MAX 65535u

void node_start_at(struct node_writer *writer, struct image_node *block, const uint8_t *owner,
		   uint8_t length, uint8_t labels)
{
	*block = (struct image_node){.name_length = length,
				     .labels = labels,
				     .apex_labels = IMAGE_NONE,
				     .cut_labels = IMAGE_NONE,
				     .parent_apex_labels = IMAGE_NONE};
	memcpy(block->name, owner, length);
	writer->node = block;
	writer->end = (uint32_t)sizeof(*block) + length;
	writer->too_large = false;
}

void node_start(struct node_writer *writer, struct image_node *block, const uint8_t *owner)
{
	node_start_at(writer, block, owner, (uint8_t)name_length(owner, NAME_MAX_OCTETS),
		      (uint8_t)name_labels(owner));
}

static uint8_t *octets_at(const struct node_writer *writer, uint32_t at)
{
	return (uint8_t *)writer->node + at;
}

static void pad_to(struct node_writer *writer, uint32_t multiple)
{
	while (writer->end % multiple != 0)
		*octets_at(writer, writer->end++) = 0;
}

uint32_t node_rrset_bound(const struct rrset_view *set)
{
	uint32_t octets = (uint32_t)sizeof(struct image_rrset) + 3 + tail_bound(set);

	if (targets_possible(set->type))
		octets += 7 + set->count * (uint32_t)sizeof(struct image_target);
	return octets;
}

uint32_t node_fixed_bound(size_t name_length)
{
	return (uint32_t)(sizeof(struct image_node) + name_length + 3);
}

/* Octets that the RRset takes at most behind the table. */
static uint32_t rrset_bound(const struct node_rrset *source)
{
	uint32_t octets = node_rrset_bound(&source->set) - (uint32_t)sizeof(struct image_rrset);

	return source->signatures.count == 0 ? octets : octets + tail_bound(&source->signatures);
}

bool node_signatures_fit(size_t name_length, const struct rrset_view *set,
			 const struct rrset_view *signatures)
{
	return tail_bound(set) + tail_bound(signatures) <=
	       MESSAGE_MAX - TAIL_MESSAGE - (uint32_t)name_length;
}

static bool signatures_fit(const struct node_writer *writer, const struct node_rrset *source)
{
	return node_signatures_fit(writer->node->name_length, &source->set, &source->signatures);
}

static void put_targets(struct node_writer *writer, const uint64_t hash_key[2],
			const struct node_rrset *source, struct image_rrset *rrset)
{
	if (!targets_possible(source->type))
		return;
	uint32_t unpadded = writer->end;
	pad_to(writer, alignof(struct image_target));
	struct image_target *targets = (void *)octets_at(writer, writer->end);
	uint32_t count =
	    targets_write(targets, hash_key, &source->set, octets_at(writer, rrset->tail * 4u));
	rrset->target_count = (uint16_t)count;
	writer->end =
	    count == 0 ? unpadded : writer->end + count * (uint32_t)sizeof(struct image_target);
}

static void put_rrset(struct node_writer *writer, const uint64_t hash_key[2],
		      const struct node_rrset *source, struct image_rrset *rrset)
{
	const uint8_t *owner = writer->node->name;
	bool pointers = false;

	pad_to(writer, 4);
	uint8_t *tail = octets_at(writer, writer->end);
	uint32_t length = tail_write(tail, owner, &source->set, &pointers);
	*rrset = (struct image_rrset){
	    .type = source->type,
	    .tail = (uint16_t)(writer->end / 4),
	    .count = source->set.count,
	    .length = (uint16_t)length,
	    .sum = tail_sum(tail, length),
	    .signed_count = source->set.count,
	    .flags = (uint16_t)(source->flags | (pointers ? IMAGE_RRSET_POINTERS : 0)),
	};
	rrset->signed_sum = rrset->sum;
	if (source->signatures.count != 0 && signatures_fit(writer, source)) {
		length += tail_write(tail + length, owner, &source->signatures, &pointers);
		rrset->signed_count = (uint16_t)(rrset->signed_count + source->signatures.count);
		rrset->signed_sum = tail_sum(tail, length);
	} else if (source->signatures.count != 0) {
		writer->too_large = true;
	}
	rrset->signed_length = (uint16_t)length;
	writer->end += length;
	put_targets(writer, hash_key, source, rrset);
}

void node_put_rrsets(struct node_writer *writer, const uint64_t hash_key[2],
		     const struct node_rrset *rrsets, unsigned count)
{
	pad_to(writer, 4);
	struct image_rrset *table = (void *)octets_at(writer, writer->end);
	uint32_t table_octets = count * (uint32_t)sizeof(*table);

	memset(table, 0, table_octets);
	writer->end += table_octets;
	for (unsigned i = 0; i < count; i++) {
		if (writer->end + rrset_bound(&rrsets[i]) > NODE_OCTETS)
			writer->too_large = true;
		else
			put_rrset(writer, hash_key, &rrsets[i],
				  &table[writer->node->rrset_count++]);
	}
}

/* Most names of most zones: one record whose rdata is copied as it is. */
static void put_single_record(struct node_writer *writer, const struct rrset_view *set)
{
	const uint8_t *rdata = set->records + sizeof(uint16_t);
	uint32_t length = (uint32_t)(set->octets - sizeof(uint16_t));
	struct image_rrset *rrset;
	uint8_t *tail;

	pad_to(writer, 4);
	rrset = (void *)octets_at(writer, writer->end);
	writer->end += (uint32_t)sizeof(*rrset);
	tail = octets_at(writer, writer->end);
	tail_record_start(tail, set->type, set->ttl, length);
	memcpy(tail + TAIL_RECORD, rdata, length);
	length += TAIL_RECORD;
	*rrset = (struct image_rrset){
	    .type = set->type,
	    .tail = (uint16_t)(writer->end / 4),
	    .count = 1,
	    .length = (uint16_t)length,
	    .sum = tail_sum(tail, length),
	    .signed_count = 1,
	    .signed_length = (uint16_t)length,
	};
	rrset->signed_sum = rrset->sum;
	writer->end += length;
	writer->node->rrset_count = 1;
}

void node_put_rrset(struct node_writer *writer, const uint64_t hash_key[2],
		    const struct rrset_view *set)
{
	struct node_rrset rrset = {.type = set->type, .set = *set};
	uint32_t first;

	if (set->count == 1 && rdata_compressible_names(set->type, &first) == 0 &&
	    !targets_possible(set->type))
		put_single_record(writer, set);
	else
		node_put_rrsets(writer, hash_key, &rrset, 1);
}

enum compile_result node_finish(struct node_writer *writer)
{
	pad_to(writer, IMAGE_UNIT);
	writer->node->units = (uint16_t)(writer->end / IMAGE_UNIT);
	return writer->too_large ? COMPILE_TOO_LARGE : COMPILE_NODE;
}
