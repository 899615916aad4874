/* tags.h: which slots of a bucket may hold a hash, by comparing all tags at once.
 *
 * Returns one bit per slot. A free slot may be among them (its ref is 0), and of 65536 other names
 * one is: the caller compares the name. Two versions that agree, so that each tests the other. */
#ifndef SKUA_ZONES_IMAGE_TAGS_H
#define SKUA_ZONES_IMAGE_TAGS_H

#include "zones/abi/image.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define IMAGE_SLOT_MASK ((1u << IMAGE_SLOTS) - 1)

static inline uint32_t image_tags_plain(const struct image_bucket *bucket, uint16_t tag)
{
	uint32_t found = 0;

	for (unsigned i = 0; i < IMAGE_SLOTS; i++)
		found |= (uint32_t)(bucket->tag[i] == tag) << i;
	return found;
}

#if defined(__SSE2__)
/* The second load goes on behind the tags, still inside the bucket; the mask drops what is no tag.
 */
static inline uint32_t image_tags_sse2(const struct image_bucket *bucket, uint16_t tag)
{
	const uint8_t *at = (const uint8_t *)bucket;
	__m128i wanted = _mm_set1_epi16((short)tag);
	__m128i low = _mm_cmpeq_epi16(_mm_loadu_si128((const __m128i *)(const void *)at), wanted);
	__m128i high =
	    _mm_cmpeq_epi16(_mm_loadu_si128((const __m128i *)(const void *)(at + 16)), wanted);

	return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(low, high)) & IMAGE_SLOT_MASK;
}
#endif

static inline uint32_t image_tags(const struct image_bucket *bucket, uint16_t tag)
{
#if defined(__SSE2__)
	return image_tags_sse2(bucket, tag);
#else
	return image_tags_plain(bucket, tag);
#endif
}

#endif
