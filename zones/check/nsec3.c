/* nsec3.c: the chain of NSEC3 records, and which names have one.
 *
 * The hashes that NSEC3 records speak of are gathered and sorted; each name is hashed and looked
 * up. Hashing is bounded (HASHES_MOST): of a zone with more names, or many iterations, only the
 * first names are looked up.
 * Source: RFC 5155 7.1 (which names), 6 (opt-out), 4.1.2 (NSEC3PARAM); RFC 9276 3.1, 3.2. */
#include "zones/check/signed_private.h"

#include <stdlib.h>
#include <string.h>

#define HASHES_MOST	 4000000u /* SHA-1 for one zone: a second */
#define ITERATIONS_MOST	 150u	  /* above, validators take a zone for unsigned */
#define PARAMETERS_FIXED 5u	  /* octets of NSEC3PARAM, and of NSEC3, before the salt */
#define STARTS		 65536u
#define FLAG_OPT_OUT	 1u

static bool is_in_use(const uint8_t *rdata, uint16_t length)
{
	return rdata_is_sound(TYPE_NSEC3PARAM, rdata, length) && rdata[1] == 0;
}

bool nsec3_is_used(const struct zone *zone)
{
	struct rrset_view set;
	const uint8_t *rdata;
	uint16_t length;
	uint32_t at = 0;

	if (!zone_rrset(zone, ZONE_APEX, TYPE_NSEC3PARAM, &set))
		return false;
	while (rrset_record_next(&set, &at, &rdata, &length)) {
		if (is_in_use(rdata, length))
			return true;
	}
	return false;
}

/* RFC 5155 4.1.2: the first with flags 0; that is what answers are made with, too. */
static void choose_parameters(struct signed_check *check, struct rrset_view *set)
{
	struct nsec3_parameters *chosen = &check->nsec3_chain.parameters;
	const uint8_t *rdata;
	uint16_t length;
	uint32_t at = 0;
	bool is_chosen = false;

	while (rrset_record_next(set, &at, &rdata, &length)) {
		if (!is_in_use(rdata, length))
			continue;
		if (is_chosen)
			signed_report(check, FINDING_chains, set->place, ZONE_APEX,
				      "has several NSEC3PARAM; only the first chain is used, "
				      "remove the others");
		else
			*chosen = (struct nsec3_parameters){rdata + PARAMETERS_FIXED, rdata[4],
							    get_u16(rdata + 2)};
		is_chosen = true;
	}
}

static void check_iterations(struct signed_check *check, const struct rrset_view *set)
{
	uint16_t iterations = check->nsec3_chain.parameters.iterations;

	if (iterations > ITERATIONS_MOST)
		signed_report(check, FINDING_iterations, set->place, ZONE_APEX,
			      "has NSEC3PARAM with %u iterations: above %u validators take the "
			      "zone for unsigned, and each absence costs as many hashes; use 0",
			      iterations, ITERATIONS_MOST);
	else if (iterations > 0)
		signed_report(check, FINDING_iterations, set->place, ZONE_APEX,
			      "has NSEC3PARAM with %u iterations, which help nobody (RFC 9276 "
			      "3.1); use 0",
			      iterations);
}

/* Algorithm, iterations and salt stand alike in NSEC3 and NSEC3PARAM. */
static bool is_of(const struct nsec3_parameters *parameters, const uint8_t *rdata)
{
	return rdata[0] == NSEC3_ALGORITHM_SHA1 && get_u16(rdata + 2) == parameters->iterations &&
	       rdata[4] == parameters->salt_length &&
	       memcmp(rdata + PARAMETERS_FIXED, parameters->salt, parameters->salt_length) == 0;
}

/* NSEC3, RFC 5155 3.2: fixed part and salt, then the next hash. */
static const uint8_t *next_hash(const uint8_t *rdata)
{
	return rdata + PARAMETERS_FIXED + rdata[4];
}

/* The record of the chain in an NSEC3 RRset, or NULL. */
static const uint8_t *find_record(const struct signed_check *check, const struct rrset_view *set,
				  uint16_t *length)
{
	const uint8_t *rdata;
	uint32_t at = 0;

	while (rrset_record_next(set, &at, &rdata, length)) {
		if (rdata_is_sound(TYPE_NSEC3, rdata, *length) &&
		    is_of(&check->nsec3_chain.parameters, rdata) &&
		    next_hash(rdata)[0] == NSEC3_HASH_OCTETS)
			return rdata;
	}
	return NULL;
}

/* True if any NSEC3PARAM, in use or not, speaks of the records at this owner. */
static bool is_known(const struct signed_check *check, const struct rrset_view *set)
{
	struct rrset_view parameters;
	const uint8_t *rdata, *of;
	uint16_t length;
	uint32_t first = 0, at = 0;

	if (!rrset_record_next(set, &first, &rdata, &length) ||
	    !rdata_is_sound(TYPE_NSEC3, rdata, length) ||
	    !zone_rrset(check->check.zone, ZONE_APEX, TYPE_NSEC3PARAM, &parameters))
		return false;
	while (rrset_record_next(&parameters, &at, &of, &length)) {
		if (rdata_is_sound(TYPE_NSEC3PARAM, of, length) && of[0] == rdata[0] &&
		    get_u16(of + 2) == get_u16(rdata + 2) && of[4] == rdata[4] &&
		    memcmp(of + PARAMETERS_FIXED, rdata + PARAMETERS_FIXED, of[4]) == 0)
			return true;
	}
	return false;
}

static struct hashed *chain_add(struct nsec3_chain *chain)
{
	if (chain->count == chain->capacity) {
		chain->capacity += chain->capacity / 2 + 1024;
		chain->list = realloc(chain->list, chain->capacity * sizeof(*chain->list));
		if (chain->list == NULL)
			abort();
	}
	return &chain->list[chain->count++];
}

static void gather(struct signed_check *check, zone_name name)
{
	uint8_t owner[NAME_MAX_OCTETS];
	struct hashed found = {.name = name};
	struct rrset_view set;

	if (!zone_rrset(check->check.zone, name, TYPE_NSEC3, &set))
		return;
	zone_owner(check->check.zone, name, owner);
	if (!nsec3_hash_from_label(owner, found.hash)) {
		signed_report(check, FINDING_no_hash, set.place, name,
			      "has an NSEC3, but its first label is no hash; sign the zone again");
		return;
	}
	found.rdata = find_record(check, &set, &found.length);
	if (found.rdata != NULL)
		*chain_add(&check->nsec3_chain) = found;
	else if (!is_known(check, &set))
		signed_report(check, FINDING_parameters, set.place, name,
			      "has an NSEC3 with another salt, algorithm or number of iterations "
			      "than NSEC3PARAM; sign the zone again");
}

static int compare(const void *a, const void *b)
{
	return memcmp(((const struct hashed *)a)->hash, ((const struct hashed *)b)->hash,
		      NSEC3_HASH_OCTETS);
}

/* Signers write them in order. */
static bool is_sorted(const struct nsec3_chain *chain)
{
	for (size_t i = 1; i < chain->count; i++) {
		if (compare(&chain->list[i - 1], &chain->list[i]) > 0)
			return false;
	}
	return true;
}

static unsigned first_bits(const uint8_t *hash)
{
	return get_u16(hash);
}

static void index_starts(struct nsec3_chain *chain)
{
	size_t at = 0;

	chain->starts = calloc(STARTS + 1, sizeof(*chain->starts));
	if (chain->starts == NULL)
		abort();
	for (unsigned bits = 0; bits <= STARTS; bits++) {
		while (at < chain->count && first_bits(chain->list[at].hash) < bits)
			at++;
		chain->starts[bits] = at;
	}
}

void nsec3_begin(struct signed_check *check)
{
	const struct zone *zone = check->check.zone;
	struct nsec3_chain *chain = &check->nsec3_chain;
	struct rrset_view set;

	if (!zone_rrset(zone, ZONE_APEX, TYPE_NSEC3PARAM, &set))
		return;
	choose_parameters(check, &set);
	check_iterations(check, &set);
	for (zone_name name = zone_child(zone, ZONE_APEX); name != ZONE_NO_NAME;
	     name = zone_sibling(zone, name))
		gather(check, name);
	if (!is_sorted(chain))
		qsort(chain->list, chain->count, sizeof(*chain->list), compare);
	index_starts(chain);
	chain->budget = HASHES_MOST;
	chain->is_whole = true;
}

/* How many hashes of the chain are at or before this one. */
static size_t count_before(const struct nsec3_chain *chain, const uint8_t *hash)
{
	unsigned bits = first_bits(hash);
	size_t low = chain->starts[bits], high = chain->starts[bits + 1];

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(chain->list[middle].hash, hash, NSEC3_HASH_OCTETS) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool may_hash(struct nsec3_chain *chain)
{
	uint64_t cost = chain->parameters.iterations + 1u;

	if (chain->budget < cost)
		chain->is_whole = false;
	else
		chain->budget -= cost;
	return chain->is_whole;
}

/* RFC 5155 7.1: what has no NSEC3 is an unsigned delegation, or stands above nothing else, and the
 * record that covers it says so by opt-out. */
static void check_missing(struct signed_check *check, const struct visit *visit,
			  const struct hashed *before)
{
	struct place place = check_place(check->check.zone, visit->name);

	if (visit->wants_hash)
		signed_report(check, FINDING_nsec3_missing, place, visit->name,
			      "has no NSEC3; sign the zone again");
	else if (!(before->rdata[1] & FLAG_OPT_OUT))
		signed_report(check, FINDING_nsec3_opt_out, place, visit->name,
			      "has no NSEC3, and the one before its hash has no opt-out; sign the "
			      "zone again");
}

/* The place is that of the NSEC3's owner. */
static struct place place_of(const struct signed_check *check, const struct hashed *hashed)
{
	struct rrset_view set = {.place = {0}};

	zone_rrset(check->check.zone, hashed->name, TYPE_NSEC3, &set);
	return set.place;
}

void nsec3_check(struct signed_check *check, const struct visit *visit)
{
	struct nsec3_chain *chain = &check->nsec3_chain;
	uint8_t hash[NSEC3_HASH_OCTETS];

	if (visit->standing == STANDING_HIDDEN || visit->standing == STANDING_NSEC3_OWNER ||
	    chain->count == 0 || !may_hash(chain))
		return;
	nsec3_hash(&chain->parameters, check->owner, check->owner_length, hash);
	size_t before = count_before(chain, hash);
	struct hashed *found = &chain->list[before > 0 ? before - 1 : chain->count - 1];
	if (memcmp(found->hash, hash, NSEC3_HASH_OCTETS) != 0) {
		check_missing(check, visit, found);
		return;
	}
	found->is_used = true;
	const uint8_t *bitmap = next_hash(found->rdata) + 1 + NSEC3_HASH_OCTETS;
	size_t length = (size_t)(found->rdata + found->length - bitmap);
	if (!bitmap_is(bitmap, length, &check->types))
		bitmap_report(check, place_of(check, found), visit->name, bitmap, length);
}

static void check_entry(struct signed_check *check, size_t i)
{
	const struct nsec3_chain *chain = &check->nsec3_chain;
	const struct hashed *entry = &chain->list[i];
	const struct hashed *next = &chain->list[i + 1 < chain->count ? i + 1 : 0];

	if (memcmp(next_hash(entry->rdata) + 1, next->hash, NSEC3_HASH_OCTETS) != 0)
		signed_report(
		    check, FINDING_nsec3_next, place_of(check, entry), entry->name,
		    "has an NSEC3 that does not lead to the next one; sign the zone again");
	if (chain->is_whole && !entry->is_used)
		signed_report(check, FINDING_nsec3_of_nothing, place_of(check, entry), entry->name,
			      "has an NSEC3, but no name of the zone has this hash; sign the zone "
			      "again");
}

void nsec3_finish(struct signed_check *check)
{
	struct rrset_view set;

	if (check->nsec3_chain.count == 0 &&
	    zone_rrset(check->check.zone, ZONE_APEX, TYPE_NSEC3PARAM, &set))
		signed_report(
		    check, FINDING_no_denial, set.place, ZONE_APEX,
		    "has NSEC3PARAM, but no NSEC3 that goes with it; sign the zone again");
	for (size_t i = 0; i < check->nsec3_chain.count; i++)
		check_entry(check, i);
}
