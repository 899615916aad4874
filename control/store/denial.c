#include "control/store/denial.h"

#include "zones/compile/compile.h"
#include "zones/image/order.h"
#include "zones/name/name.h"
#include "zones/record/record.h"

#include <stdlib.h>
#include <string.h>

/* NSEC3PARAM, RFC 5155 4.2: algorithm, flags, iterations, salt length, salt. */
#define NSEC3PARAM_FIXED 5u

/* The chain to use: RFC 5155 4.1.2 has those with flags ignored. */
static const uint8_t *nsec3_parameters(const struct zone *zone)
{
	struct rrset_view view;
	const uint8_t *rdata;
	uint16_t length;
	uint32_t at = 0;

	if (!zone_rrset(zone, ZONE_APEX, TYPE_NSEC3PARAM, &view))
		return NULL;
	while (rrset_record_next(&view, &at, &rdata, &length))
		if (length >= NSEC3PARAM_FIXED && rdata[1] == 0 &&
		    length == NSEC3PARAM_FIXED + rdata[4])
			return rdata;
	return NULL;
}

static bool has_nsec(const struct zone *zone)
{
	struct rrset_view view;

	return zone_rrset(zone, ZONE_APEX, TYPE_NSEC, &view);
}

image_ref denial_node_ref(const struct image_writer *writer, unsigned view, const uint8_t *owner)
{
	const struct image_node *node = image_writer_find(writer, view, owner);

	return node == NULL ? 0 : image_writer_ref(writer, node);
}

bool denial_start(struct image_writer *writer, const struct zone *zone, struct image_zone *entry)
{
	const uint8_t *parameters = nsec3_parameters(zone);
	void *salt;

	memset(entry, 0, sizeof(*entry));
	if (parameters == NULL) {
		entry->flags = has_nsec(zone) ? IMAGE_ZONE_NSEC : 0;
		return true;
	}
	entry->flags = IMAGE_ZONE_NSEC3;
	entry->nsec3_algorithm = parameters[0];
	entry->nsec3_iterations = get_u16(parameters + 2);
	entry->nsec3_salt_length = parameters[4];
	if (entry->nsec3_salt_length == 0)
		return true;
	salt = image_block_new(writer, entry->nsec3_salt_length, &entry->salt);
	if (salt == NULL)
		return false;
	memcpy(salt, parameters + NSEC3PARAM_FIXED, entry->nsec3_salt_length);
	return true;
}

bool denial_is_current(const struct image_writer *writer, const struct zone *zone,
		       const struct image_zone *entry)
{
	const uint8_t *parameters = nsec3_parameters(zone);
	const uint8_t *salt = image_writer_base(writer) + (uint64_t)entry->salt * IMAGE_UNIT;

	if (parameters == NULL)
		return entry->flags == (has_nsec(zone) ? IMAGE_ZONE_NSEC : 0);
	return entry->flags == IMAGE_ZONE_NSEC3 && entry->nsec3_algorithm == parameters[0] &&
	       entry->nsec3_iterations == get_u16(parameters + 2) &&
	       entry->nsec3_salt_length == parameters[4] &&
	       memcmp(salt, parameters + NSEC3PARAM_FIXED, parameters[4]) == 0;
}

/* The entry of exactly this name, or NULL. */
static const struct image_node *entry_find(const struct image_writer *writer, image_ref tree,
					   const uint8_t *owner)
{
	const uint8_t *base = image_writer_base(writer);
	const struct image_header *header = (const struct image_header *)base;
	/* The transaction has no limit yet; the writer's own arena is trusted to its end. */
	const struct image image = {.base = base, .limit = header->capacity};
	const struct image_node *node = tree == 0 ? NULL : order_at_or_before(&image, tree, owner);

	return node != NULL && name_equal(node->name, owner) ? node : NULL;
}

/* Frees the tree's block for a name, unless it is the name's node in the index. */
static void block_retire(struct image_writer *writer, image_ref tree, const uint8_t *owner,
			 image_ref node)
{
	const struct image_node *block = entry_find(writer, tree, owner);

	if (block != NULL && image_writer_ref(writer, block) != node)
		image_block_retire(writer, image_writer_ref(writer, block),
				   block->units * IMAGE_UNIT);
}

/* A tree that goes: the blocks in it that are no nodes go along. */
struct retiring {
	struct image_writer *writer;
	unsigned view;
};

static void retire_unless_node(void *context, image_ref ref)
{
	const struct retiring *retiring = context;
	const struct image_node *block =
	    (const void *)(image_writer_base(retiring->writer) + (uint64_t)ref * IMAGE_UNIT);

	if (denial_node_ref(retiring->writer, retiring->view, block->name) != ref)
		image_block_retire(retiring->writer, ref, block->units * IMAGE_UNIT);
}

void denial_retire(struct image_writer *writer, unsigned view, struct image_zone *entry)
{
	struct retiring retiring = {writer, view};

	if (entry->salt != 0)
		image_block_retire(writer, entry->salt, entry->nsec3_salt_length);
	if (entry->order != 0) {
		order_visit(writer, entry->order, retire_unless_node, &retiring);
		order_retire(writer, entry->order);
	}
	memset(entry, 0, sizeof(*entry));
}

/* The node as this zone alone would have it. */
static bool compile_alone(const struct image_writer *writer, struct zone *zone,
			  const uint8_t *owner, struct image_node *scratch)
{
	struct zone_set *alone = zone_set_new();
	enum compile_result result;

	zone_set_put(alone, zone);
	result = compile_node(alone, image_writer_key(writer), owner, scratch);
	zone_set_take(alone, zone_apex(zone)); /* it is only borrowed */
	zone_set_free(alone);
	return result != COMPILE_ABSENT;
}

/* Writes a block that is in no index; 0: out of memory. */
static image_ref block_put(struct image_writer *writer, const struct image_node *scratch)
{
	image_ref ref;
	void *block = image_block_new(writer, scratch->units * IMAGE_UNIT, &ref);

	if (block == NULL)
		return 0;
	memcpy(block, scratch, scratch->units * IMAGE_UNIT);
	return ref;
}

static bool wants_nsec(const struct zone *zone, zone_name name)
{
	struct rrset_view view;

	return zone_rrset(zone, name, TYPE_NSEC, &view);
}

/* A zone may hold several chains, as while a signer exchanges the salt; one of them is to be chosen
 * (RFC 5155 7.3), and a tree of all would prove nothing. */
static bool is_of_chain(const struct zone *zone, zone_name name)
{
	const uint8_t *parameters = nsec3_parameters(zone), *rdata;
	struct rrset_view view;
	uint16_t length;
	uint32_t at = 0;

	if (parameters == NULL || !zone_rrset(zone, name, TYPE_NSEC3, &view) ||
	    !rrset_record_next(&view, &at, &rdata, &length) ||
	    !rdata_is_sound(TYPE_NSEC3, rdata, length))
		return false;
	/* Alike in both but for the flags (RFC 5155 3.2, 4.2). */
	return rdata[0] == parameters[0] &&
	       memcmp(rdata + 2, parameters + 2, NSEC3PARAM_FIXED - 2u) == 0 &&
	       memcmp(rdata + NSEC3PARAM_FIXED, parameters + NSEC3PARAM_FIXED, parameters[4]) == 0;
}

/* What the tree is to hold for this name: *ref, or 0 for nothing. False: out of memory. */
static bool entry_make(struct image_writer *writer, struct zone *zone, bool nsec3,
		       const uint8_t *owner, image_ref node, struct image_node *scratch,
		       image_ref *ref)
{
	zone_name name = zone_find(zone, owner);
	bool made;

	*ref = 0;
	if (name == ZONE_NO_NAME)
		return true;
	if (nsec3) {
		made = compile_is_nsec3_owner(zone, name) && is_of_chain(zone, name) &&
		       compile_nsec3_node(zone, name, scratch) != COMPILE_ABSENT;
	} else {
		if (!wants_nsec(zone, name))
			return true;
		*ref = node;
		made = node == 0 && compile_alone(writer, zone, owner, scratch);
	}
	if (!made)
		return true;
	*ref = block_put(writer, scratch);
	return *ref != 0;
}

bool denial_refresh(struct image_writer *writer, struct zone *zone, struct image_zone *entry,
		    const uint8_t *owner, enum denial_voice voice, const struct denial_nodes *nodes,
		    struct image_node *scratch)
{
	image_ref own = voice == DENIAL_SPEAKS ? nodes->now : 0;
	image_ref ref = 0;

	if (entry->flags == 0)
		return true;
	if (!entry_make(writer, zone, entry->flags & IMAGE_ZONE_NSEC3, owner, own, scratch, &ref))
		return false;
	block_retire(writer, entry->order, owner, nodes->previous);
	if (ref != 0)
		return order_put(writer, &entry->order, ref);
	return entry->order == 0 || order_delete(writer, &entry->order, owner);
}
