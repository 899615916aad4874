/* record.c: see record.h. */
#include "zones/record/record.h"

#include "zones/name/name.h"

enum rdata_layout rdata_layout(uint16_t type)
{
	switch (type) {
#define TYPE(name, number, layout)                                                                 \
	case number:                                                                               \
		return RDATA_##layout;
#include "zones/record/types.def"
#undef TYPE
	default:
		return RDATA_PLAIN;
	}
}

unsigned rdata_compressible_names(uint16_t type, uint32_t *first)
{
	*first = 0;
	switch (rdata_layout(type)) {
	case RDATA_COMPRESS_NAME:
		return 1;
	case RDATA_COMPRESS_2_NAME:
		*first = 2;
		return 1;
	case RDATA_COMPRESS_SOA:
		return 2;
	default:
		return 0;
	}
}

/* Where a character string (RFC 1035 3.3) that starts at `at` ends, or 0 if it is cut off. */
static size_t string_end(const uint8_t *rdata, size_t length, size_t at)
{
	if (at >= length)
		return 0;
	size_t end = at + 1 + rdata[at];
	return end <= length ? end : 0;
}

/* Where a NAPTR's replacement starts: behind order, preference, flags, services, regexp
 * (RFC 3403 4.1); 0 if it is cut off. */
static size_t naptr_replacement(const uint8_t *rdata, size_t length)
{
	size_t at = 4;

	for (int strings = 0; strings < 3; strings++) {
		at = string_end(rdata, length, at);
		if (at == 0)
			return 0;
	}
	return at;
}

int rdata_name_offset(uint16_t type, const uint8_t *rdata, size_t length)
{
	size_t at = 0;

	switch (rdata_layout(type)) {
	case RDATA_PLAIN:
		return -1;
	case RDATA_COMPRESS_NAME:
	case RDATA_COMPRESS_SOA:
	case RDATA_NAME:
		break;
	case RDATA_COMPRESS_2_NAME:
	case RDATA_NAME_2:
		at = 2;
		break;
	case RDATA_NAME_6:
		at = 6;
		break;
	case RDATA_NAPTR:
		at = naptr_replacement(rdata, length);
		if (at == 0)
			return -1;
		break;
	}
	if (at >= length || name_length(rdata + at, length - at) == 0)
		return -1;
	return (int)at;
}

int naptr_flag(const uint8_t *rdata, size_t length)
{
	if (naptr_replacement(rdata, length) == 0)
		return -1;
	if (rdata[4] == 0)
		return 0;
	uint8_t flag = rdata[5];
	return flag >= 'A' && flag <= 'Z' ? flag | 0x20 : flag;
}

static bool strings_are_sound(const uint8_t *rdata, size_t length)
{
	size_t at = 0;

	do {
		at = string_end(rdata, length, at);
	} while (at != 0 && at < length);
	return at != 0;
}

/* Type bitmaps (RFC 4034 4.1.2): windows in rising order, each of 1 to 32 octets. An NSEC3 of an
 * empty non-terminal has none at all. */
static bool bitmaps_are_sound(const uint8_t *at, size_t left)
{
	int last = -1;

	while (left > 0) {
		if (left < 2 || at[0] <= last || at[1] < 1 || at[1] > 32 || left < 2u + at[1])
			return false;
		last = at[0];
		left -= 2u + at[1];
		at += 2 + at[1];
	}
	return true;
}

/* SvcParams (RFC 9460 2.2): key, length, value; keys strictly rise. */
static bool parameters_are_sound(const uint8_t *at, size_t left)
{
	int last = -1;

	while (left > 0) {
		if (left < 4 || get_u16(at) <= last || left - 4 < get_u16(at + 2))
			return false;
		last = get_u16(at);
		left -= 4u + get_u16(at + 2);
		at += 4 + get_u16(at + 2);
	}
	return true;
}

/* Types without a name that Skua follows. */
static bool plain_is_sound(uint16_t type, const uint8_t *rdata, size_t length)
{
	size_t name, at;

	switch (type) {
	case TYPE_A:
		return length == 4;
	case TYPE_AAAA:
		return length == 16;
	case TYPE_TXT:
		return strings_are_sound(rdata, length);
	case TYPE_DS:
	case TYPE_DNSKEY:
		return length > 4;
	case TYPE_RRSIG:
		return length > 18 && (name = name_length(rdata + 18, length - 18)) != 0 &&
		       18 + name < length;
	case TYPE_NSEC:
		name = name_length(rdata, length);
		return name != 0 && bitmaps_are_sound(rdata + name, length - name);
	case TYPE_NSEC3: /* RFC 5155 3.2: 4 octets, salt, hash, bitmaps */
		at = string_end(rdata, length, 4);
		at = at != 0 ? string_end(rdata, length, at) : 0;
		return at != 0 && bitmaps_are_sound(rdata + at, length - at);
	case TYPE_NSEC3PARAM:
		return length > 4 && string_end(rdata, length, 4) == length;
	default:
		return true;
	}
}

bool rdata_is_sound(uint16_t type, const uint8_t *rdata, size_t length)
{
	enum rdata_layout layout = rdata_layout(type);

	if (length > UINT16_MAX)
		return false;
	if (layout == RDATA_PLAIN)
		return plain_is_sound(type, rdata, length);

	int start = rdata_name_offset(type, rdata, length);
	if (start < 0)
		return false;
	size_t at = (size_t)start + name_length(rdata + start, length - (size_t)start);
	if (layout == RDATA_COMPRESS_SOA) {
		size_t second = name_length(rdata + at, length - at);
		return second != 0 && at + second + 20 == length;
	}
	if (layout == RDATA_NAME_2)
		return parameters_are_sound(rdata + at, length - at);
	return at == length;
}

uint16_t rrsig_covered(const uint8_t *rdata, size_t length)
{
	return length >= 2 ? get_u16(rdata) : 0;
}
