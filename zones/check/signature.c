/* signature.c: RRSIGs against the RRsets that they cover, the keys of the zone, and the clock.
 * Not done here: the cryptography. Source: RFC 4034 3.1 and appendix B, RFC 4035 2.2, RFC 6840. */
#include "zones/check/signed_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY	      86400u
#define SOON	      (7 * DAY)
#define KEY_FIXED     4u      /* octets of DNSKEY before the key (RFC 4034 2.1) */
#define KEY_ZONE      0x0100u /* flags */
#define KEY_PROTOCOL  3u
#define ALGORITHM_MD5 1u

/* RRSIG, RFC 4034 3.1. */
struct signature {
	uint16_t covered;
	uint8_t algorithm;
	uint8_t labels;
	uint32_t ttl, expiration, inception;
	uint16_t tag;
	const uint8_t *signer;
};

static bool signature_read(const uint8_t *rdata, uint16_t length, struct signature *signature)
{
	if (!rdata_is_sound(TYPE_RRSIG, rdata, length))
		return false;
	*signature = (struct signature){
	    .covered = get_u16(rdata),
	    .algorithm = rdata[2],
	    .labels = rdata[3],
	    .ttl = get_u32(rdata + 4),
	    .expiration = get_u32(rdata + 8),
	    .inception = get_u32(rdata + 12),
	    .tag = get_u16(rdata + 16),
	    .signer = rdata + 18,
	};
	return true;
}

/* RFC 4034 appendix B. */
static uint16_t key_tag(const uint8_t *rdata, uint16_t length)
{
	uint32_t sum = 0;

	if (rdata[3] == ALGORITHM_MD5)
		return get_u16(rdata + length - 3);
	for (unsigned i = 0; i < length; i++)
		sum += i & 1 ? rdata[i] : (uint32_t)rdata[i] << 8;
	return (uint16_t)(sum + (sum >> 16));
}

static void add_algorithm(struct signed_check *check, uint8_t algorithm)
{
	if (check->algorithms[algorithm] != 0 || check->algorithm_count == sizeof(check->algorithm))
		return;
	check->algorithm[check->algorithm_count++] = algorithm;
	check->algorithms[algorithm] = (uint8_t)check->algorithm_count;
}

void signatures_begin(struct signed_check *check)
{
	struct rrset_view set;
	const uint8_t *rdata;
	uint16_t length;
	uint32_t at = 0;

	if (!zone_rrset(check->check.zone, ZONE_APEX, TYPE_DNSKEY, &set))
		return;
	check->keys = calloc(set.count, sizeof(*check->keys));
	if (check->keys == NULL)
		abort();
	while (rrset_record_next(&set, &at, &rdata, &length)) {
		if (length <= KEY_FIXED || !(get_u16(rdata) & KEY_ZONE) ||
		    rdata[2] != KEY_PROTOCOL) {
			signed_report(check, FINDING_bad_key, set.place, ZONE_APEX,
				      "has a DNSKEY that is no key of a zone (flags %u, protocol "
				      "%u); it is not used",
				      length > 1 ? get_u16(rdata) : 0, length > 2 ? rdata[2] : 0);
			continue;
		}
		check->keys[check->key_count++] = (struct key){key_tag(rdata, length), rdata[3]};
		add_algorithm(check, rdata[3]);
	}
}

static bool has_key(const struct signed_check *check, const struct signature *signature)
{
	for (unsigned i = 0; i < check->key_count; i++) {
		if (check->keys[i].tag == signature->tag &&
		    check->keys[i].algorithm == signature->algorithm)
			return true;
	}
	return false;
}

/* RFC 4034 3.1.5: serial numbers, so that 2106 is no end. */
static bool is_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static const char *date_text(uint32_t seconds, uint32_t now, char text[32])
{
	int64_t when = (int64_t)now + (int32_t)(seconds - now);
	time_t time = (time_t)when;
	struct tm parts;

	gmtime_r(&time, &parts);
	strftime(text, 32, "%Y-%m-%d %H:%M:%S UTC", &parts);
	return text;
}

/* Signers renew long before the end: what has passed three quarters of its life, and has but days
 * left, was forgotten. */
static bool is_forgotten(const struct signature *signature, uint32_t now)
{
	uint32_t left = signature->expiration - now;
	uint32_t life = signature->expiration - signature->inception;

	return left < SOON && left < life / 4;
}

static void check_time(struct signed_check *check, const struct visit *visit, struct place place,
		       const char *type, const struct signature *signature)
{
	char date[32];

	if (is_before(signature->expiration, check->now))
		signed_report(check, FINDING_expired, place, visit->name,
			      "has a signature of %s that expired at %s; sign the zone again", type,
			      date_text(signature->expiration, check->now, date));
	else if (is_before(check->now, signature->inception))
		signed_report(check, FINDING_not_yet, place, visit->name,
			      "has a signature of %s that is not valid before %s; look at the "
			      "clocks here and where the zone is signed",
			      type, date_text(signature->inception, check->now, date));
	else if (is_forgotten(signature, check->now))
		signed_report(check, FINDING_expiring, place, visit->name,
			      "has a signature of %s that expires at %s; sign the zone again "
			      "before",
			      type, date_text(signature->expiration, check->now, date));
}

static void check_key(struct signed_check *check, const struct visit *visit, struct place place,
		      const char *type, const struct signature *signature)
{
	char signer[NAME_MAX_TEXT];

	if (!name_equal(signature->signer, zone_apex(check->check.zone))) {
		name_to_text(signature->signer, signer);
		signed_report(check, FINDING_signer, place, visit->name,
			      "has a signature of %s by %.255s, which is not this zone; sign the "
			      "zone again",
			      type, signer);
	} else if (check->key_count > 0 && !has_key(check, signature)) {
		signed_report(check, FINDING_no_key, place, visit->name,
			      "has a signature of %s by key %u of algorithm %u, which DNSKEY has "
			      "not; add the key, or sign the zone again",
			      type, signature->tag, signature->algorithm);
	}
}

/* RFC 4034 3.1.3: the root and a leading asterisk are not counted. */
static unsigned signed_labels(const struct signed_check *check, const struct visit *visit)
{
	return visit->labels - (check->owner[0] == 1 && check->owner[1] == '*');
}

static void check_signature(struct signed_check *check, const struct visit *visit,
			    const struct rrset_view *covered, struct place place,
			    const struct signature *signature)
{
	char text[SIGNED_TYPE_TEXT];
	const char *type = signed_type_text(signature->covered, text);
	unsigned labels = signed_labels(check, visit);

	check_time(check, visit, place, type, signature);
	check_key(check, visit, place, type, signature);
	if (signature->labels != labels)
		signed_report(check, FINDING_labels, place, visit->name,
			      "has a signature of %s with a labels field of %u, where %u is right; "
			      "sign the zone again",
			      type, signature->labels, labels);
	if (signature->ttl != covered->ttl)
		signed_report(check, FINDING_original_ttl, place, visit->name,
			      "has a signature of %s for a TTL of %" PRIu32
			      ", but the TTL is %" PRIu32 "; sign the zone again",
			      type, signature->ttl, covered->ttl);
}

/* RFC 4035 2.2: authoritative data, but not NS at a delegation, not glue, no signatures. */
static bool wants_signature(const struct visit *visit, uint16_t type)
{
	switch (visit->standing) {
	case STANDING_AUTHORITATIVE:
		return type != TYPE_RRSIG && !(visit->name == ZONE_APEX && type == TYPE_DS);
	case STANDING_DELEGATION:
		return type == TYPE_DS || type == TYPE_NSEC;
	case STANDING_NSEC3_OWNER:
		return type == TYPE_NSEC3;
	default:
		return false;
	}
}

/* The algorithms of a set of signatures, as bits by their number in check->algorithm. */
static uint64_t algorithms_of(const struct signed_check *check, const struct rrset_view *signatures)
{
	struct signature signature;
	const uint8_t *rdata;
	uint16_t length;
	uint64_t bits = 0;
	uint32_t at = 0;

	while (rrset_record_next(signatures, &at, &rdata, &length)) {
		if (signature_read(rdata, length, &signature) &&
		    check->algorithms[signature.algorithm] != 0)
			bits |= 1ull << (check->algorithms[signature.algorithm] - 1);
	}
	return bits;
}

static void check_is_signed(struct signed_check *check, const struct visit *visit,
			    const struct rrset_view *set)
{
	struct rrset_view signatures;
	char text[SIGNED_TYPE_TEXT];
	const char *type = signed_type_text(set->type, text);

	if (!zone_signatures(check->check.zone, visit->name, set->type, &signatures)) {
		signed_report(check, FINDING_unsigned_rrset, set->place, visit->name,
			      "has no signature of %s; sign the zone again", type);
		return;
	}
	uint64_t bits = algorithms_of(check, &signatures);
	for (unsigned i = 0; i < check->algorithm_count; i++) {
		if (!(bits & 1ull << i))
			signed_report(check, FINDING_algorithm_missing, signatures.place,
				      visit->name,
				      "has no signature of %s of algorithm %u, which DNSKEY has; "
				      "sign the zone again",
				      type, check->algorithm[i]);
	}
}

static void check_set(struct signed_check *check, const struct visit *visit,
		      const struct rrset_view *signatures)
{
	struct rrset_view covered;
	struct signature signature;
	char text[SIGNED_TYPE_TEXT];
	const char *type = signed_type_text(signatures->covered, text);
	const uint8_t *rdata;
	uint16_t length;
	uint32_t at = 0;

	if (!zone_rrset(check->check.zone, visit->name, signatures->covered, &covered) ||
	    signatures->covered == TYPE_RRSIG) {
		signed_report(check, FINDING_covers_nothing, signatures->place, visit->name,
			      "has a signature of %s, which is not there; remove it, or sign the "
			      "zone again",
			      type);
		return;
	}
	if (!wants_signature(visit, signatures->covered)) {
		signed_report(check, FINDING_needless, signatures->place, visit->name,
			      "has a signature of %s, which is not to be signed there; sign the "
			      "zone again",
			      type);
		return;
	}
	while (rrset_record_next(signatures, &at, &rdata, &length)) {
		if (signature_read(rdata, length, &signature))
			check_signature(check, visit, &covered, signatures->place, &signature);
	}
}

void signatures_check(struct signed_check *check, const struct visit *visit)
{
	struct rrset_view set;
	uint32_t at = 0;

	while (zone_rrset_next(check->check.zone, visit->name, &at, &set)) {
		if (set.type == TYPE_RRSIG)
			check_set(check, visit, &set);
		else if (check->key_count > 0 && wants_signature(visit, set.type))
			check_is_signed(check, visit, &set);
	}
}
