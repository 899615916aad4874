/* proof.c: see proof.h. */
#include "dataplane/answer/proof.h"

#include "dataplane/answer/nsec3.h"
#include "zones/abi/channel.h"
#include "zones/image/order.h"
#include "zones/record/record.h"

#include <string.h>

/* The signed zone in which a proof is looked for. */
struct signed_zone {
	const struct image_node *apex;
	const struct image_zone *zone;
	bool nsec3;
};

/* PUT_DONE with zone->zone == NULL: there is nothing to prove, the zone is unsigned. */
static enum put_result open_zone(const struct proof *p, const struct proof_of *of,
				 struct signed_zone *zone)
{
	zone->zone = NULL;
	zone->apex = lookup_suffix(p->image, of->name, of->length, of->apex_labels);
	if (zone->apex == NULL || !(zone->apex->flags & IMAGE_NODE_APEX))
		return PUT_DAMAGED;
	const struct image_zone *entry = image_zone(p->image, zone->apex->zone_index);
	if (entry == NULL)
		return PUT_DAMAGED;
	if (entry->order != 0 && entry->flags & (IMAGE_ZONE_NSEC | IMAGE_ZONE_NSEC3))
		zone->zone = entry;
	zone->nsec3 = entry->flags & IMAGE_ZONE_NSEC3;
	return PUT_DONE;
}

/* What is left of the budget is looked at once for a response: its proofs need each other. */
static bool may_hash(struct proof *p)
{
	if (p->meter == NULL)
		return true;
	if (!p->may_hash)
		p->may_hash = nsec3_meter_open(p->meter, p->image->policy->nsec3_hashes, p->now);
	p->counts[COUNT_nsec3_deferred] += !p->may_hash;
	return p->may_hash;
}

/* The same for a proof that is about to hash names. PUT_NO_ROOM with zone->zone == NULL: the client
 * is to come again over TCP. */
static enum put_result enter_zone(struct proof *p, const struct proof_of *of,
				  struct signed_zone *zone)
{
	enum put_result result = open_zone(p, of, zone);

	if (zone->zone == NULL || !zone->nsec3 || may_hash(p))
		return result;
	zone->zone = NULL;
	return PUT_NO_ROOM;
}

bool proof_zone_is_signed(const struct proof *p, const struct proof_of *of)
{
	struct signed_zone zone;

	return open_zone(p, of, &zone) == PUT_DONE && zone.zone != NULL;
}

bool proof_owner(const struct reply *reply, const struct proof_of *of,
		 const struct image_node *node, struct owner *owner)
{
	const uint8_t *suffix = node->name;

	if (name_length(node->name, node->name_length) != node->name_length)
		return false;
	while (!name_is_at_or_below(of->name, suffix)) /* the root ends it */
		suffix = name_skip(suffix, 1);
	owner->labels = node->name;
	owner->octets = (uint32_t)(suffix - node->name);
	owner->length = node->name_length;
	/* Both end at the same root label. */
	owner->pointer =
	    reply_octet(reply, of->at, (uint32_t)of->length - (owner->length - owner->octets));
	return owner->pointer != 0;
}

/* Adds the node's NSEC or NSEC3 with signatures, unless it is there. */
static enum put_result place(struct proof *p, const struct proof_of *of,
			     const struct image_node *node, uint16_t type)
{
	struct owner owner;
	struct tail tail;

	for (unsigned i = 0; i < p->count; i++) {
		if (p->placed[i] == node)
			return PUT_DONE;
	}
	const struct image_rrset *rrset = image_rrset(node, type);
	if (rrset == NULL || p->count == PROOFS_MAX || !proof_owner(p->reply, of, node, &owner))
		return PUT_DAMAGED;
	tail_open(node, rrset, TAIL_SIGNED, &tail);
	enum put_result result = reply_put(p->reply, SECTION_AUTHORITY, &owner, &tail, 0);
	if (result == PUT_DONE)
		p->placed[p->count++] = node;
	return result;
}

/* RFC 4035 3.1.3: the NSEC at the name, or the one before it, whose span covers it. */
static enum put_result put_nsec(struct proof *p, const struct proof_of *of,
				const struct signed_zone *zone, const uint8_t *name)
{
	const struct image_node *node = order_at_or_before(p->image, zone->zone->order, name);

	return node == NULL ? PUT_DAMAGED : place(p, of, node, TYPE_NSEC);
}

/* The NSEC3 of a name; *matches: it is the name's own, not one that covers it. */
static const struct image_node *find_nsec3(const struct proof *p, const struct signed_zone *zone,
					   const uint8_t *name, size_t length, bool *matches)
{
	uint8_t owner[NAME_MAX_OCTETS];
	const struct image_node *node = NULL;
	uint32_t blocks = nsec3_blocks(zone->zone, length);

	p->counts[COUNT_nsec3_hashes] += blocks;
	if (p->meter != NULL)
		nsec3_meter_charge(p->meter, blocks);
	if (nsec3_owner(p->image, zone->zone, name, length, zone->apex->name,
			zone->apex->name_length, owner) != 0)
		node = order_at_or_before(p->image, zone->zone->order, owner);
	*matches = node != NULL &&
		   name_length(node->name, node->name_length) == node->name_length &&
		   name_equal(node->name, owner);
	return node;
}

static enum put_result put_nsec3(struct proof *p, const struct proof_of *of,
				 const struct signed_zone *zone, const uint8_t *name, size_t length)
{
	bool matches;
	const struct image_node *node = find_nsec3(p, zone, name, length, &matches);

	return node == NULL ? PUT_DAMAGED : place(p, of, node, TYPE_NSEC3);
}

/* The name's last `labels` labels. */
static const uint8_t *suffix_of(const struct proof_of *of, unsigned labels)
{
	return name_skip(of->name, name_labels(of->name) - labels);
}

static size_t suffix_length(const struct proof_of *of, const uint8_t *suffix)
{
	return of->length - (size_t)(suffix - of->name);
}

/* RFC 5155 7.2.1: the NSEC3 of the closest encloser that has one, starting from `labels` labels,
 * and the one that covers the next closer name. *encloser is set to it. */
static enum put_result put_closest_encloser(struct proof *p, const struct proof_of *of,
					    const struct signed_zone *zone, unsigned labels,
					    const uint8_t **encloser)
{
	for (unsigned left = labels + 1; left > of->apex_labels; left--) {
		const uint8_t *name = suffix_of(of, left - 1);
		bool matches;
		const struct image_node *node =
		    find_nsec3(p, zone, name, suffix_length(of, name), &matches);

		if (node == NULL)
			return PUT_DAMAGED;
		if (!matches)
			continue;
		*encloser = name;
		const uint8_t *next = suffix_of(of, left);
		enum put_result result = place(p, of, node, TYPE_NSEC3);
		return result != PUT_DONE ? result
					  : put_nsec3(p, of, zone, next, suffix_length(of, next));
	}
	return PUT_DAMAGED;
}

/* RFC 5155 7.2.3, and 7.2.4 where opt-out left the name without an NSEC3. */
static enum put_result nsec3_nodata(struct proof *p, const struct proof_of *of,
				    const struct signed_zone *zone, const uint8_t *name)
{
	size_t length = suffix_length(of, name);
	unsigned labels = name_labels(name);
	bool matches;
	const struct image_node *node = find_nsec3(p, zone, name, length, &matches);
	const uint8_t *encloser;

	if (node == NULL)
		return PUT_DAMAGED;
	if (matches)
		return place(p, of, node, TYPE_NSEC3);
	if (labels <= of->apex_labels)
		return PUT_DAMAGED;
	return put_closest_encloser(p, of, zone, labels - 1, &encloser);
}

enum put_result proof_nodata(struct proof *p, const struct proof_of *of,
			     const struct image_node *node)
{
	struct signed_zone zone;
	enum put_result result = enter_zone(p, of, &zone);

	if (zone.zone == NULL)
		return result;
	if (zone.nsec3)
		return nsec3_nodata(p, of, &zone, of->name);
	if (image_rrset(node, TYPE_NSEC) != NULL && node->apex_labels == of->apex_labels)
		return place(p, of, node, TYPE_NSEC);
	return put_nsec(p, of, &zone, of->name); /* an empty non-terminal has none of its own */
}

enum put_result proof_unsigned(struct proof *p, const struct proof_of *of,
			       const struct image_node *cut)
{
	struct signed_zone zone;
	enum put_result result = enter_zone(p, of, &zone);
	const uint8_t *name = suffix_of(of, name_labels(cut->name));

	if (zone.zone == NULL)
		return result;
	if (zone.nsec3)
		return nsec3_nodata(p, of, &zone, name);
	return put_nsec(p, of, &zone, name);
}

/* "*." and the closest encloser, found or not. Returns its length; 0: too long to exist. */
static size_t wildcard_name(const struct proof_of *of, const uint8_t *encloser, uint8_t *name)
{
	size_t length = suffix_length(of, encloser);

	if (length + 2 > NAME_MAX_OCTETS)
		return 0;
	name[0] = 1;
	name[1] = '*';
	memcpy(name + 2, encloser, length);
	return length + 2;
}

enum put_result proof_nxdomain(struct proof *p, const struct proof_of *of)
{
	struct signed_zone zone;
	enum put_result result = enter_zone(p, of, &zone);
	const uint8_t *encloser = suffix_of(of, of->encloser_labels);
	uint8_t wildcard[NAME_MAX_OCTETS];

	if (zone.zone == NULL)
		return result;
	result = zone.nsec3 ? put_closest_encloser(p, of, &zone, of->encloser_labels, &encloser)
			    : put_nsec(p, of, &zone, of->name);
	size_t length = wildcard_name(of, encloser, wildcard);
	if (result != PUT_DONE || length == 0)
		return result;
	return zone.nsec3 ? put_nsec3(p, of, &zone, wildcard, length)
			  : put_nsec(p, of, &zone, wildcard);
}

enum put_result proof_wildcard(struct proof *p, const struct proof_of *of)
{
	struct signed_zone zone;
	enum put_result result = enter_zone(p, of, &zone);

	if (zone.zone == NULL)
		return result;
	if (!zone.nsec3)
		return put_nsec(p, of, &zone, of->name);
	/* RFC 5155 7.2.6: the signatures' label count tells the closest encloser. */
	const uint8_t *next = suffix_of(of, of->encloser_labels + 1);
	return put_nsec3(p, of, &zone, next, suffix_length(of, next));
}

enum put_result proof_wildcard_nodata(struct proof *p, const struct proof_of *of,
				      const struct image_node *wildcard)
{
	struct signed_zone zone;
	enum put_result result = enter_zone(p, of, &zone);
	const uint8_t *encloser;

	if (zone.zone == NULL)
		return result;
	if (!zone.nsec3) {
		result = put_nsec(p, of, &zone, of->name);
		/* Its own, or the one before it if it is an empty non-terminal. */
		return result == PUT_DONE ? put_nsec(p, of, &zone, wildcard->name) : result;
	}
	/* RFC 5155 7.2.5 */
	result = put_closest_encloser(p, of, &zone, of->encloser_labels, &encloser);
	return result == PUT_DONE ? put_nsec3(p, of, &zone, wildcard->name, wildcard->name_length)
				  : result;
}
