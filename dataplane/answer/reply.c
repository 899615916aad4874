/* reply.c: see reply.h. */
#include "dataplane/answer/reply.h"

#include "zones/record/record.h"

#include <string.h>

#define POINTER_BITS 0xc000u
#define STEPS_MAX    (2 * NAME_MAX_LABELS + 2) /* labels and pointers of the longest name */

/* How the pointers of a copied tail change. */
struct shift {
	uint32_t owner; /* where the owner stands now, maybe in pieces */
	uint32_t
	    before; /* octets of the owner that its home had not: "*" is shorter than a label */
	int tail;   /* by how much the tail has moved */
};

static uint32_t room(const struct reply *r)
{
	return r->limit - r->at;
}

/* Requires: the tail's node has the owner's name, or is a wildcard at or above it. */
static struct shift shift_of(const struct owner *owner, const struct image_node *node,
			     uint32_t start)
{
	return (struct shift){
	    .owner = owner->pointer,
	    .before = owner->length - node->name_length,
	    .tail = (int)start - (int)(DNS_HEADER + node->name_length + 4u),
	};
}

/* Where a pointer leads; past the end if it is cut off. */
static uint32_t pointer_at(const struct reply *r, uint32_t at)
{
	return at + 1 < r->at ? get_u16(r->base + at) & REPLY_POINTER_MAX : r->at;
}

uint32_t reply_octet(const struct reply *r, uint32_t at, uint32_t offset)
{
	if (at < r->question_end) /* the question lies in one piece */
		return at + offset < r->question_end - 4 ? at + offset : 0;
	for (unsigned steps = 0; steps < STEPS_MAX && at < r->at; steps++) {
		uint32_t octets = r->base[at] + 1u;

		if (octets > 0xc0)
			at = pointer_at(r, at);
		else if (offset == 0)
			return at;
		else if (offset < octets || octets == 1)
			return 0;
		else {
			offset -= octets;
			at += octets;
		}
	}
	return 0;
}

/* Where a pointer of the tail's home leads now; 0: it can't. */
static uint32_t moved_pointer(const struct reply *r, uint32_t home, const struct image_node *node,
			      const struct shift *shift)
{
	if (home < DNS_HEADER)
		return 0;
	if (home >= DNS_HEADER + node->name_length)
		return (uint32_t)((int)home + shift->tail);
	/* The asterisk itself is not in the name that a wildcard answers. */
	if (home == DNS_HEADER && node->name[0] == 1 && node->name[1] == '*' && shift->before > 0)
		return 0;
	return reply_octet(r, shift->owner, shift->before + home - DNS_HEADER);
}

/* Moves the pointer of the name at `at`. Returns the offset behind the name, 0: it can't be moved.
 */
static uint32_t shift_name(struct reply *r, uint32_t at, uint32_t end, const struct tail *tail,
			   const struct shift *shift)
{
	while (at < end && r->base[at] <= 63) {
		if (r->base[at] == 0)
			return at + 1;
		at += 1u + r->base[at];
	}
	if (at + 2 > end || r->base[at] < 0xc0)
		return 0;
	uint32_t home = get_u16(r->base + at) & REPLY_POINTER_MAX;
	uint32_t moved = moved_pointer(r, home, tail->node, shift);
	if (moved < DNS_HEADER || moved >= at || moved > REPLY_POINTER_MAX)
		return 0;
	put_u16(r->base + at, (uint16_t)(POINTER_BITS | moved));
	return at + 2;
}

static bool shift_rdata(struct reply *r, uint32_t start, uint32_t rdata, uint32_t end,
			const struct tail *tail, const struct shift *shift)
{
	uint32_t at;
	unsigned names = rdata_compressible_names(get_u16(r->base + start + rdata - 10), &at);

	for (at += start + rdata; names > 0; names--) {
		at = shift_name(r, at, start + end, tail, shift);
		if (at == 0)
			return false;
	}
	return true;
}

/* Points each owner of the copied tail to where it stands now, and moves the pointers in rdata. */
static bool edit(struct reply *r, uint32_t start, const struct owner *owner,
		 const struct tail *tail, const struct shift *shift)
{
	uint32_t pointer = owner->pointer;
	uint32_t at = 0, record, rdata;

	for (unsigned i = 0; i < tail->count; i++) {
		if (!tail_record(tail, &at, &record, &rdata))
			return false;
		put_u16(r->base + start + record, (uint16_t)(POINTER_BITS | pointer));
		pointer = owner->octets == 0 ? owner->pointer : r->at;
		if (shift != NULL && i < tail->plain &&
		    !shift_rdata(r, start, rdata, at, tail, shift))
			return false;
	}
	return at == tail->length;
}

void reply_copy_rotated(uint8_t *to, const struct tail *tail, uint32_t rotation)
{
	uint32_t plain = tail->rrset->length;

	if (rotation == 0 || tail->plain <= 1 || plain > tail->length || plain % tail->plain != 0) {
		memcpy(to, tail->octets, tail->length);
		return;
	}
	uint32_t turned = plain / tail->plain * (rotation % tail->plain);
	memcpy(to, tail->octets + turned, plain - turned);
	memcpy(to + plain - turned, tail->octets, turned);
	memcpy(to + plain, tail->octets + plain, tail->length - plain);
}

static void copy_octets(uint8_t *to, const struct tail *tail, uint32_t rotation)
{
	if (tail->rrset->type == TYPE_A || tail->rrset->type == TYPE_AAAA)
		reply_copy_rotated(to, tail, rotation);
	else
		memcpy(to, tail->octets, tail->length);
}

/* Appends octets; false: no room. */
static bool append(struct reply *r, const void *octets, size_t length)
{
	if (room(r) < length)
		return false;
	if (length > 0) /* copying nothing from NULL is undefined */
		memcpy(r->base + r->at, octets, length);
	r->at += (uint32_t)length;
	return true;
}

static bool append_owner(struct reply *r, const struct owner *owner)
{
	uint8_t pointer[2];

	put_u16(pointer, (uint16_t)(POINTER_BITS | owner->pointer));
	return append(r, owner->labels, owner->octets) && append(r, pointer, 2);
}

/* One record with the names in its rdata in full. at: offset of its rdata in the tail. */
static enum put_result expand_record(struct reply *r, const struct owner *owner,
				     const struct tail *tail, uint32_t rdata, uint32_t end,
				     bool names_too)
{
	uint8_t name[NAME_MAX_OCTETS];
	const uint8_t *octets = tail->octets;
	uint32_t skip = 0;
	unsigned names =
	    names_too ? rdata_compressible_names(get_u16(octets + rdata - 10), &skip) : 0;

	if (!append_owner(r, owner) || !append(r, octets + rdata - 10, 10))
		return PUT_NO_ROOM;
	uint32_t start = r->at;
	uint32_t at = rdata + skip;
	if (at > end)
		return PUT_DAMAGED;
	if (!append(r, octets + rdata, skip))
		return PUT_NO_ROOM;
	for (; names > 0; names--) {
		size_t length = tail_name(tail->node, tail->rrset, at, TAIL_CASE_KEPT, name, &at);
		if (length == 0 || at > end)
			return PUT_DAMAGED;
		if (!append(r, name, length))
			return PUT_NO_ROOM;
	}
	if (!append(r, octets + at, end - at))
		return PUT_NO_ROOM;
	put_u16(r->base + start - 2, (uint16_t)(r->at - start));
	return PUT_DONE;
}

/* Requires: the tail is not TAIL_SIGNATURES, whose offsets are not those of the RRset; it has no
 * compressible names, so that this does not matter. */
static enum put_result expand(struct reply *r, const struct owner *owner, const struct tail *tail)
{
	uint32_t first = r->at;
	uint32_t at = 0, record, rdata;
	enum put_result result = PUT_DONE;

	r->tail_at = 0;
	r->rdata_at = first + owner->octets + 12;
	for (unsigned i = 0; i < tail->count && result == PUT_DONE; i++) {
		result = PUT_DAMAGED;
		if (tail_record(tail, &at, &record, &rdata))
			result = expand_record(r, owner, tail, rdata, at, i < tail->plain);
	}
	if (result != PUT_DONE)
		r->at = first;
	return result;
}

/* True if the tail is right as it stands: its owner is the question, and it follows directly. */
static bool is_home(const struct reply *r, const struct owner *owner, const struct tail *tail,
		    bool pointers)
{
	if (owner->octets > 0 || owner->pointer != DNS_HEADER)
		return false;
	return !pointers || (r->at == r->question_end && owner->length == tail->node->name_length);
}

static enum put_result copy(struct reply *r, const struct owner *owner, const struct tail *tail,
			    uint32_t rotation)
{
	uint32_t start = r->at + owner->octets;
	bool pointers = tail->rrset->flags & IMAGE_RRSET_POINTERS && tail->plain > 0;
	struct shift shift = shift_of(owner, tail->node, start);

	if (start + tail->length > REPLY_POINTER_MAX && (pointers || owner->octets > 0))
		return expand(r, owner, tail);
	if (pointers && (owner->octets > 0 || owner->length < tail->node->name_length))
		return expand(r, owner, tail);
	if (room(r) < owner->octets + tail->length)
		return PUT_NO_ROOM;
	if (owner->octets > 0)
		memcpy(r->base + r->at, owner->labels, owner->octets);
	copy_octets(r->base + start, tail, rotation);
	if (!is_home(r, owner, tail, pointers) &&
	    !edit(r, start, owner, tail, pointers ? &shift : NULL))
		return pointers ? expand(r, owner, tail) : PUT_DAMAGED;
	r->at = start + tail->length;
	r->tail_at = start;
	r->rdata_at = start + 12;
	return PUT_DONE;
}

enum put_result reply_put(struct reply *r, enum reply_section section, const struct owner *owner,
			  const struct tail *tail, uint32_t rotation)
{
	if (tail->count == 0 || owner->pointer > REPLY_POINTER_MAX)
		return PUT_DAMAGED;
	enum put_result result = copy(r, owner, tail, rotation);
	if (result == PUT_DONE)
		r->count[section] = (uint16_t)(r->count[section] + tail->count);
	return result;
}

enum put_result reply_put_cname(struct reply *r, const struct owner *owner, uint32_t ttl,
				const struct owner *target)
{
	uint8_t fixed[10];
	uint32_t first = r->at;

	put_u16(fixed, TYPE_CNAME);
	put_u16(fixed + 2, CLASS_IN);
	put_u32(fixed + 4, ttl);
	put_u16(fixed + 8, (uint16_t)(target->octets + 2));
	if (!append_owner(r, owner) || !append(r, fixed, sizeof(fixed)) ||
	    !append_owner(r, target)) {
		r->at = first;
		return PUT_NO_ROOM;
	}
	r->tail_at = 0;
	r->rdata_at = r->at - target->octets - 2;
	r->count[SECTION_ANSWER]++;
	return PUT_DONE;
}

enum put_result reply_put_made(struct reply *r, enum reply_section section,
			       const struct owner *owner, const struct made_record *record)
{
	uint8_t fixed[10];
	uint32_t first = r->at;

	put_u16(fixed, record->type);
	put_u16(fixed + 2, record->class);
	put_u32(fixed + 4, record->ttl);
	put_u16(fixed + 8, (uint16_t)record->length);
	if (!append_owner(r, owner) || !append(r, fixed, sizeof(fixed)) ||
	    !append(r, record->rdata, record->length)) {
		r->at = first;
		return PUT_NO_ROOM;
	}
	r->count[section]++;
	return PUT_DONE;
}

size_t reply_name(const struct reply *r, uint32_t at, uint8_t *name)
{
	size_t length = 0;

	for (unsigned steps = 0; steps < STEPS_MAX && at < r->at; steps++) {
		uint8_t octet = r->base[at];

		if (octet >= 0xc0) {
			at = pointer_at(r, at);
			continue;
		}
		if (octet > 63 || at + 1u + octet > r->at || length + 1u + octet > NAME_MAX_OCTETS)
			return 0;
		memcpy(name + length, r->base + at, 1u + octet);
		length += 1u + octet;
		at += 1u + octet;
		if (octet == 0)
			return length;
	}
	return 0;
}

void reply_clear(struct reply *r)
{
	r->at = r->question_end;
	memset(r->count, 0, sizeof(r->count));
}

/* RFC 2181 9: a required RRset did not fit. What did is no use without it: as NSD and Knot do,
 * nothing but the question is left. */
void reply_truncate(struct reply *reply)
{
	reply_clear(reply);
	reply->flags |= DNS_TC;
}
