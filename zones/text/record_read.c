/* record_read.c: one entry as a record: [owner] [TTL] [class] type rdata (RFC 1035 5.1). */
#include <string.h>
#include <strings.h>

#include "zones/record/record.h"
#include "zones/text/reader.h"

/* What stands before the rdata. */
struct head {
	const struct token *at, *end;
	const struct token *type_token;
	uint16_t type;
	bool has_ttl, has_class;
	uint32_t ttl;
};

static bool take_owner(struct reader *reader, const struct entry *entry, struct head *head)
{
	const struct token *first = head->at;

	if (entry->leading_blank) {
		if (reader->owner_length != 0)
			return true;
		reader_refuse(reader, first,
			      reader->owner_is_bad
				  ? "the owner above could not be read, correct it first"
				  : "no owner stands above to be repeated, write one");
		return false;
	}
	head->at++;
	reader->owner_is_bad = !reader_name(reader, first, reader->owner, &reader->owner_length);
	if (reader->owner_is_bad)
		reader->owner_length = 0;
	return !reader->owner_is_bad;
}

static bool is_class(const struct token *token, bool *is_internet)
{
	uint32_t number;

	if (token_is(token, "IN")) {
		*is_internet = true;
		return true;
	}
	*is_internet = false;
	if (token_is(token, "CH") || token_is(token, "HS") || token_is(token, "CS"))
		return true;
	if (token->length <= 5 || strncasecmp(token->text, "CLASS", 5) != 0 ||
	    !number_from_text(token->text + 5, token->length - 5, UINT16_MAX, &number))
		return false;
	*is_internet = number == CLASS_IN;
	return true;
}

/* 1: the token is taken as class or TTL; 0: it is neither, so the type; -1: reported. */
static int take_class_or_ttl(struct reader *reader, struct head *head)
{
	const struct token *token = head->at;
	char shown[RDATA_SHOWN];
	bool is_internet;

	if (token->quoted || token->length == 0)
		return 0;
	if (!head->has_class && (token->length == 2 || token->length > 5) &&
	    is_class(token, &is_internet)) {
		if (!is_internet) {
			reader_refuse(reader, token, "class %s is not served, only IN is",
				      token_shown(token, shown));
			return -1;
		}
		head->has_class = true;
		head->at++;
		return 1;
	}
	if (head->has_ttl || token->text[0] < '0' || token->text[0] > '9')
		return 0;
	if (!period_from_text(token->text, token->length, &head->ttl)) {
		reader_refuse(reader, token,
			      "\"%s\" is no TTL, write 0 to 2147483647 seconds or units such as "
			      "1h30m or 1W",
			      token_shown(token, shown));
		return -1;
	}
	head->has_ttl = true;
	head->at++;
	return 1;
}

/* Types that are questions or belong to messages, not to zones (RFC 6895 3.1). */
static bool is_meta(uint16_t type)
{
	return type == 0 || type == TYPE_OPT || (type >= 128 && type <= 255);
}

static bool take_type(struct reader *reader, struct head *head)
{
	const struct token *token = head->at;
	char shown[RDATA_SHOWN];

	if (!type_from_text(token->text, token->length, &head->type)) {
		reader_refuse(reader, token,
			      "\"%s\" is no record type, write a known one, or TYPEnnn with \\# "
			      "data (RFC 3597)",
			      token_shown(token, shown));
		return false;
	}
	if (is_meta(head->type)) {
		reader_refuse(reader, token,
			      "a record of type %s never stands in a zone, remove it",
			      token_shown(token, shown));
		return false;
	}
	head->type_token = token;
	head->at++;
	return true;
}

static bool take_head(struct reader *reader, const struct entry *entry, struct head *head)
{
	if (!take_owner(reader, entry, head))
		return false;
	int taken = 1;
	while (head->at < head->end && taken == 1)
		taken = take_class_or_ttl(reader, head);
	if (taken < 0)
		return false;
	if (head->at < head->end)
		return take_type(reader, head);
	reader_refuse(reader, head->end - 1,
		      "the record ends before its type, add type and data or remove it");
	return false;
}

/* RFC 2308 4: $TTL; before there was $TTL, the last one given (RFC 1035 5.1); else the SOA's
 * MINIMUM, for the SOA itself, too. */
static bool settle_ttl(struct reader *reader, struct head *head)
{
	if (head->has_ttl) {
		reader->has_last = true;
		reader->last_ttl = head->ttl;
	} else if (reader->has_default) {
		head->ttl = reader->default_ttl;
	} else if (reader->has_last) {
		head->ttl = reader->last_ttl;
	} else if (reader->has_minimum) {
		head->ttl = reader->minimum;
	} else {
		reader_refuse(reader, head->type_token,
			      "no TTL is known here, write one or put $TTL before");
		return false;
	}
	return true;
}

void reader_record(struct reader *reader, const struct entry *entry)
{
	struct head head = {.at = entry->tokens, .end = entry->tokens + entry->count};
	const uint8_t *origin = reader->origin_length != 0 ? reader->origin : NULL;
	struct rdata_fault fault;
	uint16_t length;

	if (!take_head(reader, entry, &head))
		return;
	if (!rdata_read(head.type, head.type_token, head.at, (unsigned)(head.end - head.at), origin,
			reader->rdata, &length, &fault)) {
		reader_report(reader, SEVERITY_ERROR, fault.line, fault.column, "%s", fault.text);
		if (head.has_ttl)
			settle_ttl(reader, &head);
		return;
	}
	if (head.type == TYPE_SOA) {
		reader->minimum = get_u32(reader->rdata + length - 4);
		reader->has_minimum = reader->minimum <= INT32_MAX;
	}
	if (!settle_ttl(reader, &head))
		return;
	const struct token *shown = reader->generate != NULL ? reader->generate : head.type_token;
	const struct token *start = reader->generate != NULL ? reader->generate : entry->tokens;
	const struct text_record record = {
	    .owner = reader->owner,
	    .owner_length = reader->owner_length,
	    .type = head.type,
	    .class = CLASS_IN,
	    .ttl = head.ttl,
	    .rdata = reader->rdata,
	    .rdata_length = length,
	    .place = {.file = reader->file, .line = start->line},
	    .column = shown->column,
	};
	reader->sink(reader->context, &record);
}
