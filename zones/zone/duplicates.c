/* A record is compared with all others of its RRset before it is added. That is a scan, good enough
 * for small RRsets and for single changes; but filling one of thousands of records would cost the
 * square. So the RRset that is being filled gets a hash of its records after a few scans. One at a
 * time: zone files and transfers bring RRsets whole. */
#include "zones/zone/tree.h"

#define SCAN_RECORDS 64u /* RRsets below this size are always scanned */
#define SCANS	     8u	 /* of one larger RRset before it gets a hash */

static uint64_t record_hash(const struct rdata_key *key)
{
	/* Folds case everywhere in rdata with names: too much makes collisions, never misses. */
	uint64_t fold = key->from == key->to ? 0 : 0x2020202020202020ull;
	uint64_t hash = 0x9e3779b97f4a7c15ull ^ key->length;
	uint32_t at = 0;

	for (; at + 8 <= key->length; at += 8)
		hash =
		    hash_fold(hash ^ (hash_load64(key->rdata + at) | fold), 0xa0761d6478bd642full);
	if (at < key->length) {
		uint64_t last = 0;

		memcpy(&last, key->rdata + at, key->length - at);
		hash = hash_fold(hash ^ (last | fold), 0xe7037ed1a0b428dbull);
	}
	return hash_fold(hash, 0x8ebc6af09c88c6e3ull);
}

static void slot_put(struct duplicates *duplicates, uint64_t hash, uint32_t record_at)
{
	uint32_t at = (uint32_t)hash & duplicates->mask;

	while (duplicates->slot[at].tag != 0)
		at = (at + 1) & duplicates->mask;
	duplicates->slot[at].tag = (uint16_t)(hash >> 48 | 1);
	duplicates->slot[at].at = (uint16_t)record_at;
	duplicates->count++;
}

static void slots_drop(struct duplicates *duplicates)
{
	free(duplicates->slot);
	duplicates->slot = NULL;
	duplicates->count = 0;
}

static void slots_build(struct duplicates *duplicates, const struct rrset_view *view)
{
	uint32_t slots = 256;
	const uint8_t *rdata;
	uint16_t length;

	while (slots < view->count * 3u)
		slots *= 2;
	duplicates->slot = memory_or_abort(calloc(slots, sizeof(*duplicates->slot)));
	duplicates->mask = slots - 1;
	for (uint32_t at = 0, next = 0; rrset_record_next(view, &next, &rdata, &length);
	     at = next) {
		struct rdata_key key = rdata_key_of(view->type, rdata, length);

		slot_put(duplicates, record_hash(&key), at);
	}
}

static bool slots_hold(const struct duplicates *duplicates, const struct rrset_view *view,
		       const struct rdata_key *key)
{
	uint64_t hash = record_hash(key);
	uint16_t tag = (uint16_t)(hash >> 48 | 1);

	for (uint32_t at = (uint32_t)hash & duplicates->mask; duplicates->slot[at].tag != 0;
	     at = (at + 1) & duplicates->mask) {
		uint32_t record = duplicates->slot[at].at;
		const uint8_t *rdata;
		uint16_t length;

		if (duplicates->slot[at].tag == tag &&
		    rrset_record_next(view, &record, &rdata, &length) &&
		    rdata_key_equal(key, rdata, length))
			return true;
	}
	return false;
}

static bool speaks_of(const struct duplicates *duplicates, zone_name name,
		      const struct rrset_view *view)
{
	return duplicates->name == name && duplicates->type == view->type &&
	       duplicates->covered == view->covered;
}

bool duplicates_hold(struct zone *zone, zone_name name, const struct rrset_view *view,
		     const struct rdata_key *key)
{
	struct duplicates *duplicates = &zone->duplicates;

	if (view->count < SCAN_RECORDS)
		return rrset_scan(view, key) != UINT32_MAX;
	if (!speaks_of(duplicates, name, view)) {
		slots_drop(duplicates);
		duplicates->name = name;
		duplicates->type = view->type;
		duplicates->covered = view->covered;
		duplicates->scans = 0;
	}
	if (duplicates->slot == NULL) {
		if (duplicates->scans++ < SCANS)
			return rrset_scan(view, key) != UINT32_MAX;
		slots_build(duplicates, view);
	}
	return slots_hold(duplicates, view, key);
}

void duplicates_add(struct zone *zone, zone_name name, const struct rrset_view *view,
		    const struct rdata_key *key, uint32_t at)
{
	struct duplicates *duplicates = &zone->duplicates;

	if (duplicates->slot == NULL || !speaks_of(duplicates, name, view))
		return;
	if (duplicates->count * 4u >= duplicates->mask * 3u)
		slots_drop(duplicates); /* the next question builds a larger one */
	else
		slot_put(duplicates, record_hash(key), at);
}

void duplicates_forget(struct zone *zone)
{
	slots_drop(&zone->duplicates);
	zone->duplicates.name = ZONE_NO_NAME;
}
