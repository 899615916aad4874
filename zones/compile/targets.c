#include "zones/compile/targets.h"

#include "zones/compile/tail.h"
#include "zones/name/hash.h"
#include "zones/name/name.h"
#include "zones/record/record.h"

#include <stdlib.h>

#define NO_TARGET  0u
#define ALIAS_MODE 0u /* SvcPriority (RFC 9460 2.4.1) */

bool targets_possible(uint16_t type)
{
	switch (type) {
	case TYPE_NS:
	case TYPE_MX:
	case TYPE_SRV:
	case TYPE_NAPTR:
	case TYPE_SVCB:
	case TYPE_HTTPS:
	case TYPE_CNAME:
		return true;
	default:
		return false;
	}
}

static uint8_t naptr_kind(const uint8_t *rdata, uint16_t length)
{
	switch (naptr_flag(rdata, length)) {
	case 's':
		return IMAGE_TARGET_SRV;
	case 'a':
		return IMAGE_TARGET_ADDRESS;
	case 0:
		return IMAGE_TARGET_NAPTR;
	default:
		return NO_TARGET; /* "u", "p" and malformed ones: the replacement leads nowhere */
	}
}

/* RFC 9460 2.5: the root is the owner itself, or in AliasMode no service at all. */
static uint8_t service_kind(const uint8_t *rdata, const uint8_t *name)
{
	if (*name != 0)
		return IMAGE_TARGET_SERVICE;
	return get_u16(rdata) == ALIAS_MODE ? NO_TARGET : IMAGE_TARGET_OWNER;
}

/* name: in rdata, legal. */
static uint8_t target_kind(uint16_t type, const uint8_t *rdata, uint16_t length,
			   const uint8_t *name)
{
	if (type == TYPE_SVCB || type == TYPE_HTTPS)
		return service_kind(rdata, name);
	if (*name == 0) /* there is no such service (RFC 2782, RFC 7505) */
		return NO_TARGET;
	if (type == TYPE_NAPTR)
		return naptr_kind(rdata, length);
	return type == TYPE_CNAME ? IMAGE_TARGET_ALIAS : IMAGE_TARGET_ADDRESS;
}

static bool target_of(struct image_target *target, const uint64_t hash_key[2], uint16_t type,
		      const uint8_t *rdata, uint16_t length)
{
	uint8_t lower[NAME_MAX_OCTETS];
	int offset = rdata_name_offset(type, rdata, length);
	uint8_t kind = offset < 0 ? NO_TARGET : target_kind(type, rdata, length, rdata + offset);

	if (kind == NO_TARGET)
		return false;
	size_t octets = name_length(rdata + offset, length - (size_t)offset);
	name_lower(lower, rdata + offset, octets);
	*target = (struct image_target){
	    .hash = name_hash(hash_key, lower, octets), .offset = (uint16_t)offset, .kind = kind};
	return true;
}

/* NAPTR: order and preference (RFC 3403 4.1); MX preference (RFC 5321 5.1), SRV (RFC 2782) and SVCB
 * (RFC 9460 2.4.1) priority. */
static uint32_t rank_of(uint16_t type, const uint8_t *rdata)
{
	switch (type) {
	case TYPE_NAPTR:
		return get_u32(rdata);
	case TYPE_MX:
	case TYPE_SRV:
	case TYPE_SVCB:
	case TYPE_HTTPS:
		return get_u16(rdata);
	default:
		return 0;
	}
}

/* Offsets tell the order of the records, in which those of one rank stay. */
static int by_rank(const void *left, const void *right)
{
	const struct image_target *a = left, *b = right;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return a->offset < b->offset ? -1 : 1;
}

uint32_t targets_write(struct image_target *targets, const uint64_t hash_key[2],
		       const struct rrset_view *view, const uint8_t *tail)
{
	uint32_t count = 0, next = 0, at = 0;
	const uint8_t *rdata;
	uint16_t length;

	while (rrset_record_next(view, &next, &rdata, &length)) {
		struct image_target target;

		if (target_of(&target, hash_key, view->type, rdata, length)) {
			/* What stands before the name is never compressed: its offset in the rdata
			 * is the same in the tail. */
			target.offset = (uint16_t)(target.offset + at + TAIL_RECORD);
			target.rank = rank_of(view->type, rdata);
			targets[count++] = target;
		}
		at += TAIL_RECORD + get_u16(tail + at + 10);
	}
	qsort(targets, count, sizeof(*targets), by_rank);
	return count;
}
