/* chaos.c: see chaos.h. */
#include "dataplane/answer/chaos.h"

#include "dataplane/answer/option_reply.h"
#include "zones/record/record.h"

#include <string.h>

/* The lower-case wire form of a name of two labels. */
static bool is_name(const struct response *r, const char *wire, size_t length)
{
	return r->query.name_length == length && memcmp(r->name, wire, length) == 0;
}

#define IS_NAME(r, wire) is_name((r), (wire), sizeof(wire))

/* NULL: no such question. */
static const struct policy_text *told(const struct image_policy *policy, const struct response *r)
{
	if (r->query.type != TYPE_TXT && r->query.type != TYPE_ANY)
		return NULL;
	if (IS_NAME(r, "\7version\4bind") || IS_NAME(r, "\7version\6server"))
		return &policy->version;
	if (IS_NAME(r, "\2id\6server") || IS_NAME(r, "\10hostname\4bind"))
		return &policy->identity;
	return NULL;
}

void chaos_answer(const struct image_policy *policy, struct response *r)
{
	const struct policy_text *text;
	struct owner owner = {NULL, 0, DNS_HEADER, r->query.name_length};
	uint8_t rdata[1 + sizeof(text->octets)];

	name_lower(r->name, r->datagram->payload + DNS_HEADER, r->query.name_length);
	text = told(policy, r);
	if (text == NULL || text->length == 0) {
		r->reply.rcode = RCODE_REFUSED;
		extended_error_note(r, policy,
				    text == NULL ? EXTENDED_ERROR_NOT_SUPPORTED
						 : EXTENDED_ERROR_PROHIBITED);
		return;
	}
	rdata[0] = text->length;
	memcpy(rdata + 1, text->octets, text->length);
	struct made_record record = {TYPE_TXT, CLASS_CH, 0, rdata, 1u + text->length};
	if (reply_put_made(&r->reply, SECTION_ANSWER, &owner, &record) != PUT_DONE)
		r->reply.flags |= DNS_TC;
}
