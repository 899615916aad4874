/* Queries: any octets as a message. Whatever comes: nothing behind the message is read, the verdict
 * is the header's where the header decides, all that is said of the message lies inside it, and of
 * a good query nothing can be taken away.
 *
 * Input: the message. */
#include "dataplane/answer/query.h"
#include "tests/unit/abi/ledger.h"
#include "zones/record/record.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 65535u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* A copy that ends where its memory ends: libFuzzer may hand out a part of a larger block. */
static enum query_verdict parse(const uint8_t *data, size_t size, struct query *query)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		abort();
	memset(query, 0xa5, sizeof(*query));
	memcpy(copy, data, size);
	enum query_verdict verdict = query_parse(copy, size, query);
	must(memcmp(copy, data, size) == 0);
	free(copy);
	return verdict;
}

static void check_question(const uint8_t *data, size_t size, const struct query *query)
{
	const uint8_t *behind = data + query->question_end;

	if (query->question_end == DNS_HEADER)
		return;
	must(query->question_end == DNS_HEADER + query->name_length + 4u);
	must(query->question_end <= size);
	must(name_length(data + DNS_HEADER, size - DNS_HEADER) == query->name_length);
	must(query->type == get_u16(behind - 4) && query->class == get_u16(behind - 2));
}

/* RFC 7871 6, RFC 7873 4. */
static void check_options(const struct query *query)
{
	const struct asked_options *options = &query->options;

	must(query->edns);
	if (options->asked & ASKED_COOKIE)
		must(options->cookie.length == COOKIE_CLIENT_OCTETS ||
		     (options->cookie.length >= 16 && options->cookie.length <= 40));
	if (options->asked & ASKED_SUBNET)
		must((options->subnet.family == 4 && options->subnet.source <= 32) ||
		     (options->subnet.family == 6 && options->subnet.source <= 128));
}

static void check_records(size_t size, const struct query *query)
{
	const struct query_tsig *tsig = &query->tsig;

	must(query->udp_size >= 512);
	must(query->edns || !query->dnssec_ok);
	if (query->options.asked != 0)
		check_options(query);
	if (tsig->octets == 0)
		return;
	must(tsig->at >= query->question_end && tsig->at + tsig->octets == size);
	must(tsig->at + 11u <= tsig->algorithm && tsig->algorithm < tsig->fixed);
	must(tsig->fixed + 16u <= size);
}

static void check_error(const uint8_t *data, const struct query *query)
{
	must(ledger_group((enum counter)query->malformed) == LEDGER_FORMERR);
	if (get_u16(data + 2) & DNS_OPCODE)
		must(query->rcode == RCODE_NOTIMP);
	else
		must(query->rcode == RCODE_FORMERR || query->rcode == RCODE_BADVERS ||
		     query->rcode == RCODE_NOTAUTH);
	/* What is wrong with the options, or missing with them, spoils not the OPT record. */
	if (query->rcode == RCODE_FORMERR)
		must(query->tsig.octets == 0 &&
		     (!query->edns || query->malformed == COUNT_formerr_option ||
		      (query->malformed == COUNT_formerr_qdcount && get_u16(data + 4) == 0)));
	must((query->rcode == RCODE_BADVERS) <= query->edns);
	must((query->rcode == RCODE_NOTAUTH) <= (query->tsig.octets > 0));
}

static void check_cookie(const uint8_t *data, const struct query *query)
{
	must(query->rcode == RCODE_NOERROR && query->tsig.octets == 0 && query->edns);
	must((get_u16(data + 2) & DNS_OPCODE) == 0 && get_u16(data + 4) == 0);
	must(query->question_end == DNS_HEADER && query->options.asked & ASKED_COOKIE);
}

static void check_good(const uint8_t *data, size_t size, const struct query *query)
{
	struct query shorter;

	must(query->rcode == RCODE_NOERROR && query->tsig.octets == 0);
	must((get_u16(data + 2) & DNS_OPCODE) == 0 && get_u16(data + 4) == 1);
	must(query->question_end > DNS_HEADER);
	must(parse(data, size - 1, &shorter) == QUERY_ERROR && shorter.rcode == RCODE_FORMERR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct query query;
	enum query_verdict verdict = parse(data, size, &query);

	must((verdict == QUERY_SHORT) == (size < DNS_HEADER));
	must((verdict == QUERY_RESPONSE) == (size >= DNS_HEADER && data[2] & 0x80));
	if (verdict == QUERY_SHORT || verdict == QUERY_RESPONSE)
		return 0;
	must(query.flags == get_u16(data + 2));
	must(size <= MESSAGE_MAX || verdict == QUERY_ERROR);
	check_question(data, size, &query);
	check_records(size, &query);
	if (verdict == QUERY_GOOD)
		check_good(data, size, &query);
	else if (verdict == QUERY_COOKIE)
		check_cookie(data, &query);
	else
		check_error(data, &query);
	return 0;
}
