#include "zones/zone/tree.h"

void rrset_view_at(const struct zone *zone, zone_name name, uint32_t at, struct rrset_view *view)
{
	const struct rrset_head *head = rrset_head_at(zone, name, at);

	view->type = head->type;
	view->covered = head->covered;
	view->count = head->count;
	view->ttl = head->ttl;
	view->place = (struct place){.file = head->file, .line = head->line};
	view->records = (const uint8_t *)(head + 1);
	view->octets = head->octets;
}

uint32_t rrset_find(const struct zone *zone, zone_name name, uint16_t type, uint16_t covered)
{
	const uint8_t *data = name_data(zone, name);
	uint32_t used = zone->names[name].used;

	for (uint32_t at = 1u + data[0]; at < used;) {
		const struct rrset_head *head =
		    (const struct rrset_head *)(const void *)(data + at);

		if (head->type == type && (type != TYPE_RRSIG || head->covered == covered))
			return at;
		at += (uint32_t)sizeof(*head) + head->octets;
	}
	return 0;
}

bool zone_rrset_next(const struct zone *zone, zone_name name, uint32_t *at, struct rrset_view *view)
{
	if (*at == 0)
		*at = rrset_first(zone, name);
	if (*at >= zone->names[name].used)
		return false;
	rrset_view_at(zone, name, *at, view);
	*at += (uint32_t)sizeof(struct rrset_head) + view->octets;
	return true;
}

bool zone_rrset(const struct zone *zone, zone_name name, uint16_t type, struct rrset_view *view)
{
	uint32_t at = 0;

	while (zone_rrset_next(zone, name, &at, view)) {
		if (view->type == type)
			return true;
	}
	return false;
}

bool zone_only_rrset(const struct zone *zone, zone_name name, struct rrset_view *view)
{
	uint32_t at = rrset_first(zone, name), used = zone->names[name].used;

	if (at >= used)
		return false;
	rrset_view_at(zone, name, at, view);
	return at + (uint32_t)sizeof(struct rrset_head) + view->octets == used;
}

bool zone_leads_nowhere(const struct zone *zone, zone_name name)
{
	const uint8_t *data = name_data(zone, name);
	uint32_t used = zone->names[name].used;

	for (uint32_t at = 1u + data[0]; at < used;) {
		const struct rrset_head *head =
		    (const struct rrset_head *)(const void *)(data + at);

		if (rdata_layout(head->type) != RDATA_PLAIN)
			return false;
		at += (uint32_t)sizeof(*head) + head->octets;
	}
	return true;
}

uint32_t zone_octets(const struct zone *zone, zone_name name)
{
	return zone->names[name].used;
}

bool zone_signatures(const struct zone *zone, zone_name name, uint16_t covered,
		     struct rrset_view *view)
{
	uint32_t at = rrset_find(zone, name, TYPE_RRSIG, covered);

	if (at == 0)
		return false;
	rrset_view_at(zone, name, at, view);
	return true;
}

bool rrset_record_next(const struct rrset_view *view, uint32_t *at, const uint8_t **rdata,
		       uint16_t *length)
{
	if (*at >= view->octets)
		return false;
	memcpy(length, view->records + *at, sizeof(*length));
	*rdata = view->records + *at + sizeof(*length);
	*at += (uint32_t)sizeof(*length) + *length;
	return true;
}

struct rdata_key rdata_key_of(uint16_t type, const uint8_t *rdata, uint16_t length)
{
	struct rdata_key key = {.rdata = rdata, .length = length};
	int offset = rdata_name_offset(type, rdata, length);

	if (offset < 0)
		return key;
	size_t end = (size_t)offset + name_length(rdata + offset, length - (size_t)offset);
	if (rdata_layout(type) == RDATA_COMPRESS_SOA)
		end += name_length(rdata + end, length - end);
	key.from = (uint16_t)offset;
	key.to = (uint16_t)end;
	return key;
}

static uint8_t octet_lower(uint8_t octet)
{
	return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet | 0x20) : octet;
}

/* Label lengths are below 'A', so that a match of the octets is also a match of the labels. */
bool rdata_key_equal(const struct rdata_key *key, const uint8_t *rdata, uint16_t length)
{
	if (length != key->length)
		return false;
	if (key->from == key->to)
		return memcmp(key->rdata, rdata, length) == 0;
	if (memcmp(key->rdata, rdata, key->from) != 0 ||
	    memcmp(key->rdata + key->to, rdata + key->to, (size_t)length - key->to) != 0)
		return false;
	for (uint32_t i = key->from; i < key->to; i++) {
		if (octet_lower(key->rdata[i]) != octet_lower(rdata[i]))
			return false;
	}
	return true;
}

uint32_t rrset_scan(const struct rrset_view *view, const struct rdata_key *key)
{
	const uint8_t *rdata;
	uint16_t length;

	for (uint32_t at = 0, next = 0; rrset_record_next(view, &next, &rdata, &length);
	     at = next) {
		if (rdata_key_equal(key, rdata, length))
			return at;
	}
	return UINT32_MAX;
}
