/* signed_private.h: what the files of this folder share that look at signatures and proofs.
 *
 * One walk over the zone, parents first. At each name signature.c compares its RRsets with its
 * RRSIGs, nsec.c or nsec3.c its NSEC or NSEC3 with what is there; at the end of the walk the two
 * look at the chain as a whole. */
#ifndef SKUA_ZONES_CHECK_SIGNED_PRIVATE_H
#define SKUA_ZONES_CHECK_SIGNED_PRIVATE_H

#include "zones/check/check_private.h"
#include "zones/name/nsec3_hash.h"

#define CHECK_EACH 10u /* findings of one kind that are shown; then their number */

enum finding {
#define FINDING(name, rest) FINDING_##name,
#include "zones/check/signed.def"
#undef FINDING
	FINDINGS
};

/* The types at a name, as a set and as the octets of an NSEC bitmap (RFC 4034 4.1.2). */
struct type_set {
	uint8_t octets[8192];
	uint16_t windows; /* how many of these are in use, in order of coming */
	uint8_t window[256];
	unsigned count;
};

struct key {
	uint16_t tag;
	uint8_t algorithm;
};

/* How a name stands in the zone. */
enum standing {
	STANDING_AUTHORITATIVE, /* also an empty non-terminal */
	STANDING_DELEGATION,
	STANDING_HIDDEN,      /* below a zone cut or a DNAME */
	STANDING_NSEC3_OWNER, /* no name of the zone (RFC 5155 7.2.8) */
};

/* One name of the walk. */
struct visit {
	zone_name name;
	enum standing standing;
	unsigned labels; /* the root not counted */
	bool has_ds;
	bool has_signatures;
	bool is_empty;	 /* no RRset at all */
	bool wants_hash; /* authoritative data or a signed delegation is here or below */
	struct place place;
};

/* A hash that an NSEC3 record speaks of. */
struct hashed {
	uint8_t hash[NSEC3_HASH_OCTETS];
	zone_name name;	      /* the record's owner */
	const uint8_t *rdata; /* in the zone; sound, and of the chain */
	uint16_t length;
	bool is_used; /* a name of the zone has it */
};

struct nsec_chain {
	uint64_t names;	    /* with NSEC */
	uint64_t linked;    /* that an NSEC leads to */
	uint8_t *is_linked; /* a bit for each zone_name */
	size_t octets;
};

struct nsec3_chain {
	struct nsec3_parameters parameters;
	struct hashed *list; /* sorted once it is whole */
	size_t count, capacity;
	size_t *starts;	 /* where hashes begin whose first 16 bits are at least the index */
	uint64_t budget; /* SHA-1 that may still be done */
	bool is_whole;	 /* all names were hashed */
};

struct signed_check {
	struct check check;
	uint32_t now;
	uint64_t found[FINDINGS];
	uint64_t each;	  /* findings of a kind that are shown */
	bool nsec, nsec3; /* how the zone proves absence */
	struct key *keys;
	unsigned key_count;
	uint8_t algorithms[256]; /* that the keys have: number + 1 in algorithm[]; 0: not there */
	uint8_t algorithm[64];
	unsigned algorithm_count;
	struct type_set types;		/* of the name being looked at */
	uint8_t owner[NAME_MAX_OCTETS]; /* that name; not set if it is hidden */
	size_t owner_length;
	struct nsec_chain nsec_chain;
	struct nsec3_chain nsec3_chain;
};

/* A warning at the record's line, unless there were CHECK_EACH of this kind. */
void signed_report(struct signed_check *check, enum finding finding, struct place place,
		   zone_name name, const char *format, ...) __attribute__((format(printf, 5, 6)));

static inline bool type_set_has(const struct type_set *set, uint16_t type)
{
	return set->octets[type >> 3] & 0x80 >> (type & 7);
}

/* "A", or "TYPE13" for those that Skua does not look into. */
#define SIGNED_TYPE_TEXT 16u
const char *signed_type_text(uint16_t type, char text[SIGNED_TYPE_TEXT]);

/* signature.c */

/* Reads the apex's DNSKEY. */
void signatures_begin(struct signed_check *check);
/* Requires of these and nsec_check(), nsec3_check(): check->types and owner are those of the name.
 */
void signatures_check(struct signed_check *check, const struct visit *visit);

/* nsec.c */

/* bitmap: the end of an NSEC's or NSEC3's rdata. True if it lists just these types. */
bool bitmap_is(const uint8_t *bitmap, size_t length, const struct type_set *types);
/* It does not: the first difference from check->types is reported of `name`. */
void bitmap_report(struct signed_check *check, struct place place, zone_name name,
		   const uint8_t *bitmap, size_t length);
void nsec_check(struct signed_check *check, const struct visit *visit);
void nsec_finish(struct signed_check *check);

/* nsec3.c */

/* True if an NSEC3PARAM says that a chain of NSEC3 is ready (RFC 5155 4.1.2). */
bool nsec3_is_used(const struct zone *zone);

/* Gathers the chain that NSEC3PARAM names. */
void nsec3_begin(struct signed_check *check);
/* At each name; an empty non-terminal once all below it has been seen. */
void nsec3_check(struct signed_check *check, const struct visit *visit);
void nsec3_finish(struct signed_check *check);

#endif
