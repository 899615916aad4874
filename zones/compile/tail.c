#include "zones/compile/tail.h"

#include "zones/name/hash.h"
#include "zones/name/name.h"
#include "zones/record/record.h"

#include <endian.h>

/* A tail may later stand behind a longer question (a referral, a wildcard): all its pointers then
 * grow by up to 254, and must still fit into 14 bits. */
#define POINTER_LIMIT	 (0x4000u - NAME_MAX_OCTETS)
#define SUFFIXES	 256u /* remembered per tail; later names still find the earlier ones */
#define BUCKETS		 64u
#define POINTER_TO_OWNER 0xc00cu

/* A name that stands in the message, written out from `position` on. */
struct suffix {
	const uint8_t *name; /* spelled out */
	uint16_t position;
	uint16_t next; /* in the bucket: index + 1, or 0 */
};

struct compression {
	uint16_t bucket[BUCKETS];
	uint32_t count;
	bool pointers;
	struct suffix suffix[SUFFIXES];
};

static uint32_t bucket_of(const uint8_t *lower, size_t length)
{
	static const uint64_t key[2] = {0x2d358dccaa6c78a5ull, 0x8bb84b93962eacc9ull};

	return (uint32_t)name_hash(key, lower, length) % BUCKETS;
}

static const struct suffix *suffix_find(const struct compression *compression, uint32_t bucket,
					const uint8_t *name)
{
	for (uint16_t at = compression->bucket[bucket]; at != 0;
	     at = compression->suffix[at - 1].next) {
		if (name_equal(compression->suffix[at - 1].name, name))
			return &compression->suffix[at - 1];
	}
	return NULL;
}

static void suffix_add(struct compression *compression, uint32_t bucket, const uint8_t *name,
		       uint32_t position)
{
	if (position >= POINTER_LIMIT || compression->count == SUFFIXES)
		return;
	compression->suffix[compression->count++] = (struct suffix){
	    .name = name, .position = (uint16_t)position, .next = compression->bucket[bucket]};
	compression->bucket[bucket] = (uint16_t)compression->count;
}

static void compression_start(struct compression *compression, const uint8_t *owner)
{
	size_t length = name_length(owner, NAME_MAX_OCTETS);
	size_t at = 0;

	memset(compression->bucket, 0, sizeof(compression->bucket));
	compression->count = 0;
	compression->pointers = false;
	/* A wildcard's own label is not in the question that it answers. */
	if (owner[0] == 1 && owner[1] == '*')
		at = 2;
	for (; owner[at] != 0; at += 1u + owner[at])
		suffix_add(compression, bucket_of(owner + at, length - at), owner + at,
			   (uint32_t)(12 + at));
}

/* Returns the octets written at `to`, which stands at `position` in the message. */
static uint32_t name_write(struct compression *compression, uint8_t *to, uint32_t position,
			   const uint8_t *name)
{
	uint8_t lower[NAME_MAX_OCTETS];
	size_t length = name_length(name, NAME_MAX_OCTETS);
	uint32_t at = 0;

	name_lower(lower, name, length);
	while (name[at] != 0) {
		uint32_t bucket = bucket_of(lower + at, length - at);
		const struct suffix *suffix = suffix_find(compression, bucket, name + at);

		if (suffix != NULL) {
			put_u16(to + at, (uint16_t)(0xc000u | suffix->position));
			compression->pointers = true;
			return at + 2;
		}
		suffix_add(compression, bucket, name + at, position + at);
		memcpy(to + at, name + at, 1u + name[at]);
		at += 1u + name[at];
	}
	to[at] = 0;
	return at + 1;
}

/* Whole names from `at` on, or the rdata is copied as it is. */
static bool names_are_whole(const uint8_t *rdata, uint32_t length, uint32_t at, unsigned names)
{
	if (at > length)
		return false;
	for (; names > 0; names--) {
		size_t name = name_length(rdata + at, length - at);

		if (name == 0)
			return false;
		at += (uint32_t)name;
	}
	return true;
}

static uint32_t rdata_compress(struct compression *compression, uint8_t *to, uint32_t position,
			       uint16_t type, const uint8_t *rdata, uint32_t length)
{
	uint32_t first, from, at;
	unsigned names = rdata_compressible_names(type, &first);

	if (!names_are_whole(rdata, length, first, names)) {
		memcpy(to, rdata, length);
		return length;
	}
	memcpy(to, rdata, first);
	from = at = first;
	for (; names > 0; names--) {
		at += name_write(compression, to + at, position + at, rdata + from);
		from += (uint32_t)name_length(rdata + from, length - from);
	}
	memcpy(to + at, rdata + from, length - from);
	return at + length - from;
}

uint32_t tail_bound(const struct rrset_view *view)
{
	uint32_t length_field = sizeof(uint16_t);

	return view->octets + view->count * (TAIL_RECORD - length_field);
}

void tail_record_start(uint8_t *to, uint16_t type, uint32_t ttl, uint32_t rdata_length)
{
	put_u16(to, POINTER_TO_OWNER);
	put_u16(to + 2, type);
	put_u16(to + 4, CLASS_IN);
	put_u32(to + 6, ttl);
	put_u16(to + 10, (uint16_t)rdata_length);
}

static uint32_t compressed_write(uint8_t *tail, const uint8_t *owner, const struct rrset_view *view,
				 bool *pointers)
{
	uint32_t before = TAIL_MESSAGE + (uint32_t)name_length(owner, NAME_MAX_OCTETS);
	struct compression compression;
	uint32_t at = 0, next = 0;
	const uint8_t *rdata;
	uint16_t length;

	compression_start(&compression, owner);
	while (rrset_record_next(view, &next, &rdata, &length)) {
		uint8_t *to = tail + at + TAIL_RECORD;
		uint32_t written = rdata_compress(&compression, to, before + at + TAIL_RECORD,
						  view->type, rdata, length);

		tail_record_start(tail + at, view->type, view->ttl, written);
		at += TAIL_RECORD + written;
	}
	*pointers = *pointers || compression.pointers;
	return at;
}

uint32_t tail_write(uint8_t *tail, const uint8_t *owner, const struct rrset_view *view,
		    bool *pointers)
{
	uint32_t at = 0, next = 0, first;
	const uint8_t *rdata;
	uint16_t length;

	if (rdata_compressible_names(view->type, &first) != 0)
		return compressed_write(tail, owner, view, pointers);
	while (rrset_record_next(view, &next, &rdata, &length)) {
		tail_record_start(tail + at, view->type, view->ttl, length);
		memcpy(tail + at + TAIL_RECORD, rdata, length);
		at += TAIL_RECORD + length;
	}
	return at;
}

uint16_t tail_sum(const uint8_t *octets, uint32_t length)
{
	uint64_t sum = 0;
	uint32_t at = 0;
	uint16_t last = 0;

	/* In host order, four octets at a time: the sum of swapped words is the swapped sum. */
	for (; at + 4 <= length; at += 4)
		sum += hash_load32(octets + at);
	for (; at + 2 <= length; at += 2) {
		memcpy(&last, octets + at, 2);
		sum += last;
	}
	if (at < length) {
		last = 0;
		memcpy(&last, octets + at, 1);
		sum += last;
	}
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return be16toh((uint16_t)sum);
}
