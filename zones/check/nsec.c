/* nsec.c: the chain of NSEC records, and the type lists of NSEC and NSEC3.
 *
 * A chain is whole if each NSEC leads to a name with NSEC that lies behind it (or to the apex), and
 * each name is led to once: then it is one circle in canonical order, without sorting anything.
 * Source: RFC 4034 4.1 and 6.1, RFC 4035 2.3. */
#include "zones/check/signed_private.h"

#include <stdlib.h>
#include <string.h>

/* The first type in which the lists differ. *listed: the record has it, the name has not. */
static int first_difference(const struct type_set *types, const struct type_set *listed,
			    bool *is_listed)
{
	for (unsigned i = 0; i < sizeof(types->octets); i++) {
		uint8_t other = types->octets[i] ^ listed->octets[i];

		for (unsigned bit = 0; other != 0 && bit < 8; bit++) {
			if (!(other & 0x80 >> bit))
				continue;
			*is_listed = listed->octets[i] & 0x80 >> bit;
			return (int)(i * 8 + bit);
		}
	}
	return -1;
}

static void bitmap_read(const uint8_t *bitmap, size_t length, struct type_set *listed)
{
	memset(listed, 0, sizeof(*listed));
	for (size_t at = 0; at + 2 <= length && at + 2 + bitmap[at + 1] <= length;
	     at += 2u + bitmap[at + 1]) {
		if (bitmap[at + 1] <= 32)
			memcpy(listed->octets + bitmap[at] * 32, bitmap + at + 2, bitmap[at + 1]);
	}
}

bool bitmap_is(const uint8_t *bitmap, size_t length, const struct type_set *types)
{
	unsigned count = 0;

	for (size_t at = 0; at < length; at += 2u + bitmap[at + 1]) {
		const uint8_t *octets = bitmap + at + 2;

		if (at + 2 > length || at + 2 + bitmap[at + 1] > length || bitmap[at + 1] > 32 ||
		    memcmp(octets, types->octets + bitmap[at] * 32, bitmap[at + 1]) != 0)
			return false;
		for (unsigned i = 0; i < bitmap[at + 1]; i++)
			count += (unsigned)__builtin_popcount(octets[i]);
	}
	return count == types->count;
}

void bitmap_report(struct signed_check *check, struct place place, zone_name name,
		   const uint8_t *bitmap, size_t length)
{
	struct type_set listed;
	char text[SIGNED_TYPE_TEXT];
	const char *record = check->nsec3 ? "NSEC3" : "NSEC";
	bool is_listed = false;

	bitmap_read(bitmap, length, &listed);
	int type = first_difference(&check->types, &listed, &is_listed);
	if (type < 0)
		return;
	signed_report(check, FINDING_bitmap, place, name,
		      is_listed ? "has no %s, but its %s lists it; sign the zone again"
				: "has %s, which its %s does not list; sign the zone again",
		      signed_type_text((uint16_t)type, text), record);
}

/* True if it was not marked before. */
static bool link_name(struct nsec_chain *chain, zone_name name)
{
	size_t octet = name / 8;
	uint8_t bit = (uint8_t)(1 << name % 8);

	if (octet >= chain->octets) {
		size_t grown = octet + octet / 2 + 1024;

		chain->is_linked = realloc(chain->is_linked, grown);
		if (chain->is_linked == NULL)
			abort();
		memset(chain->is_linked + chain->octets, 0, grown - chain->octets);
		chain->octets = grown;
	}
	if (chain->is_linked[octet] & bit)
		return false;
	chain->is_linked[octet] |= bit;
	chain->linked++;
	return true;
}

static void check_next(struct signed_check *check, const struct visit *visit, struct place place,
		       const uint8_t *next)
{
	const struct zone *zone = check->check.zone;
	zone_name name = zone_find(zone, next);
	const char *wrong = NULL;
	struct rrset_view set;
	char text[NAME_MAX_TEXT];

	if (name == ZONE_NO_NAME)
		wrong = "does not exist";
	else if (!zone_rrset(zone, name, TYPE_NSEC, &set))
		wrong = "has no NSEC";
	else if (name != ZONE_APEX && name_compare(check->owner, next) >= 0)
		wrong = "does not lie behind it";
	else if (!link_name(&check->nsec_chain, name))
		wrong = "another NSEC leads to, too";
	if (wrong == NULL)
		return;
	name_to_text(next, text);
	signed_report(check, FINDING_nsec_next, place, visit->name,
		      "has an NSEC to %.255s, which %s; sign the zone again", text, wrong);
}

static void check_record(struct signed_check *check, const struct visit *visit,
			 const struct rrset_view *set)
{
	const uint8_t *rdata;
	uint16_t length;
	uint32_t at = 0;

	check->nsec_chain.names++;
	if (set->count > 1)
		signed_report(check, FINDING_nsec_several, set->place, visit->name,
			      "has %u NSEC records, keep one", set->count);
	if (!rrset_record_next(set, &at, &rdata, &length) ||
	    !rdata_is_sound(TYPE_NSEC, rdata, length))
		return;
	check_next(check, visit, set->place, rdata);
	size_t next = name_length(rdata, length);
	if (!bitmap_is(rdata + next, length - next, &check->types))
		bitmap_report(check, set->place, visit->name, rdata + next, length - next);
}

void nsec_check(struct signed_check *check, const struct visit *visit)
{
	bool wanted = !visit->is_empty && (visit->standing == STANDING_AUTHORITATIVE ||
					   visit->standing == STANDING_DELEGATION);
	struct rrset_view set;

	if (!zone_rrset(check->check.zone, visit->name, TYPE_NSEC, &set)) {
		if (wanted)
			signed_report(check, FINDING_nsec_missing, visit->place, visit->name,
				      "has no NSEC; sign the zone again");
		return;
	}
	if (wanted)
		check_record(check, visit, &set);
	else
		signed_report(check, FINDING_nsec_needless, set.place, visit->name,
			      "has an NSEC, but its data is not this zone's; sign the zone again");
}

static bool is_linked(const struct nsec_chain *chain, zone_name name)
{
	return name / 8 < chain->octets && chain->is_linked[name / 8] & 1 << name % 8;
}

void nsec_finish(struct signed_check *check)
{
	const struct zone *zone = check->check.zone;
	struct rrset_view set;

	if (check->nsec_chain.linked == check->nsec_chain.names)
		return;
	for (zone_name name = ZONE_APEX; name != ZONE_NO_NAME; name = zone_next(zone, name)) {
		if (!is_linked(&check->nsec_chain, name) && zone_rrset(zone, name, TYPE_NSEC, &set))
			signed_report(check, FINDING_nsec_unlinked, set.place, name,
				      "has an NSEC that no other leads to; sign the zone again");
	}
}
