/* record.h: record types, rdata layouts, and bounded reading of rdata.
 * Threads: any. Nothing is allocated. Source: RFC 1035 3.3, RFC 3597 4, RFC 2782, RFC 3403, RFC
 * 9460. */
#ifndef SKUA_ZONES_RECORD_RECORD_H
#define SKUA_ZONES_RECORD_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum record_type {
#define TYPE(name, number, layout) TYPE_##name = number,
#include "zones/record/types.def"
#undef TYPE
};

#define CLASS_IN  1u
#define CLASS_CH  3u
#define CLASS_ANY 255u

enum rdata_layout {
	RDATA_PLAIN,
	RDATA_COMPRESS_NAME,
	RDATA_COMPRESS_2_NAME,
	RDATA_COMPRESS_SOA,
	RDATA_NAME,
	RDATA_NAME_6,
	RDATA_NAME_2,
	RDATA_NAPTR,
};
enum rdata_layout rdata_layout(uint16_t type); /* RDATA_PLAIN for types not in types.def */

/* How many names in the rdata of this type may be compressed (RFC 3597 4), one behind the other;
 * *first: octets in front of them. */
unsigned rdata_compressible_names(uint16_t type, uint32_t *first);

/* Where the first name in this (uncompressed) rdata starts, or -1: none, or the rdata is malformed.
 */
int rdata_name_offset(uint16_t type, const uint8_t *rdata, size_t length);

/* NAPTR flags field in lower case: 's', 'a', 'u', 'p', …; 0 if empty; -1 if the rdata is malformed.
 */
int naptr_flag(const uint8_t *rdata, size_t length);

/* True if the rdata is whole and well-formed as far as Skua looks into this type: names end inside
 * it, SOA has its 20 octets behind two names, A has 4 and AAAA 16 octets, … True for opaque types.
 */
bool rdata_is_sound(uint16_t type, const uint8_t *rdata, size_t length);

/* Type that an RRSIG's rdata covers; 0 if it is too short (RFC 4034 3.1.1). */
uint16_t rrsig_covered(const uint8_t *rdata, size_t length);

static inline uint16_t get_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}
static inline uint32_t get_u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}
static inline void put_u16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}
static inline void put_u32(uint8_t *at, uint32_t value)
{
	put_u16(at, (uint16_t)(value >> 16));
	put_u16(at + 2, (uint16_t)value);
}

#endif
