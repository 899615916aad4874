/* rdata.c: see rdata.h. */
#include "zones/text/rdata.h"

#include <ldns/ldns.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "zones/name/name.h"
#include "zones/record/record.h"
#include "zones/text/text.h"

void rdata_refuse(struct rdata_text *text, const struct token *token, const char *format, ...)
{
	va_list arguments;

	if (text->bad)
		return;
	text->bad = true;
	text->fault->line = token->line;
	text->fault->column = token->column;
	va_start(arguments, format);
	vsnprintf(text->fault->text, sizeof(text->fault->text), format, arguments);
	va_end(arguments);
}

const char *token_shown(const struct token *token, char shown[RDATA_SHOWN])
{
	size_t most = 40, length = token->length < most ? token->length : most;

	for (size_t i = 0; i < length; i++) {
		char c = token->text[i];

		shown[i] = c >= ' ' && c < 127 ? c : '?';
	}
	strcpy(shown + length, token->length > most ? "..." : "");
	return shown;
}

bool token_is(const struct token *token, const char *word)
{
	return strlen(word) == token->length && strncasecmp(token->text, word, token->length) == 0;
}

const struct token *rdata_take(struct rdata_text *text, const char *what)
{
	char name[TEXT_TYPE_MAX];

	if (text->bad)
		return NULL;
	if (text->at == text->end) {
		rdata_refuse(text, text->before, "the %s record ends too early, add %s",
			     text_of_type(text->type, name), what);
		return NULL;
	}
	text->before = text->at++;
	return text->before;
}

void rdata_put(struct rdata_text *text, const void *octets, size_t length)
{
	if (text->bad)
		return;
	if (length > RDATA_MAX_OCTETS - text->used) {
		rdata_refuse(text, text->before,
			     "record data longer than 65,535 octets, split it into several "
			     "records");
		return;
	}
	memcpy(text->rdata + text->used, octets, length);
	text->used += length;
}

void rdata_put_number(struct rdata_text *text, uint32_t value, unsigned octets)
{
	uint8_t wire[4];

	put_u32(wire, value);
	rdata_put(text, wire + 4 - octets, octets);
}

/* Text that ldns knows best. It is given one clean, bounded token (or what is left), and gives
 * the field's octets. */
static void put_by_ldns(struct rdata_text *text, ldns_rdf_type kind, const char *words,
			const struct token *token)
{
	ldns_rdf *field = ldns_rdf_new_frm_str(kind, words);
	char shown[RDATA_SHOWN], name[TEXT_TYPE_MAX];

	if (field != NULL)
		rdata_put(text, ldns_rdf_data(field), ldns_rdf_size(field));
	else
		rdata_refuse(text, token,
			     "\"%s\" does not fit here in the %s record, see the RFC of the type",
			     token_shown(token, shown), text_of_type(text->type, name));
	ldns_rdf_deep_free(field);
}

/* Mnemonics through ldns; numbers by ourselves, since ldns lets them wrap around. */
static void field_mnemonic(struct rdata_text *text, ldns_rdf_type kind, unsigned octets)
{
	char copy[64] = "";

	if (text->at < text->end && text->at->length > 0 && text->at->text[0] >= '0' &&
	    text->at->text[0] <= '9' && octets != 0) {
		field_number(text, octets);
		return;
	}
	const struct token *token = rdata_take(text, "a value");
	if (token == NULL)
		return;
	if (token->length < sizeof(copy))
		memcpy(copy, token->text, token->length);
	put_by_ldns(text, kind, copy, token);
}

/* A CERT's type (RFC 4398 2.1); ldns leaks memory on words that it does not know. */
static void field_certificate(struct rdata_text *text)
{
	static const struct {
		const char *name;
		uint16_t number;
	} types[] = {
	    {"PKIX", 1}, {"SPKI", 2},	{"PGP", 3},	{"IPKIX", 4}, {"ISPKI", 5},
	    {"IPGP", 6}, {"ACPKIX", 7}, {"IACPKIX", 8}, {"URI", 253}, {"OID", 254},
	};
	const struct token *token = rdata_take(text, "a certificate type");
	char shown[RDATA_SHOWN];
	uint32_t number;

	if (token == NULL)
		return;
	bool good = number_from_text(token->text, token->length, UINT16_MAX, &number);
	for (size_t i = 0; !good && i < sizeof(types) / sizeof(types[0]); i++) {
		good = token_is(token, types[i].name);
		number = types[i].number;
	}
	if (good)
		rdata_put_number(text, number, 2);
	else
		rdata_refuse(text, token,
			     "\"%s\" is no certificate type, write one such as PKIX, or a number",
			     token_shown(token, shown));
}

static void field_type(struct rdata_text *text)
{
	const struct token *token = rdata_take(text, "a record type");
	char shown[RDATA_SHOWN];
	uint16_t type;

	if (token == NULL)
		return;
	if (type_from_text(token->text, token->length, &type))
		rdata_put_number(text, type, 2);
	else
		rdata_refuse(text, token, "\"%s\" is no record type, write a known one or TYPEnnn",
			     token_shown(token, shown));
}

static void field_salt(struct rdata_text *text)
{
	const struct token *token = rdata_take(text, "a salt, or -");
	size_t start = text->used;

	if (token == NULL)
		return;
	rdata_put_number(text, 0, 1);
	if (!token_is(token, "-"))
		token_hex(text, token);
	if (!text->bad && text->used - start > 256)
		rdata_refuse(text, token, "salt longer than 255 octets, shorten it");
	if (!text->bad)
		text->rdata[start] = (uint8_t)(text->used - start - 1);
}

static void field_rare(struct rdata_text *text, ldns_rdf_type kind)
{
	switch (kind) {
	case LDNS_RDF_TYPE_TYPE:
		field_type(text);
		break;
	case LDNS_RDF_TYPE_TIME:
		field_time(text);
		break;
	case LDNS_RDF_TYPE_TAG:
		field_tag(text);
		break;
	case LDNS_RDF_TYPE_NSEC3_SALT:
		field_salt(text);
		break;
	case LDNS_RDF_TYPE_NSAP:
	case LDNS_RDF_TYPE_ATMA:
		field_nsap(text);
		break;
	case LDNS_RDF_TYPE_WKS:
		field_wks(text);
		break;
	case LDNS_RDF_TYPE_APL:
		field_apl(text);
		break;
	case LDNS_RDF_TYPE_IPSECKEY:
		field_ipseckey(text);
		break;
	case LDNS_RDF_TYPE_HIP:
		field_hip(text);
		break;
	case LDNS_RDF_TYPE_SVCPARAMS:
		field_svcparams(text);
		break;
	case LDNS_RDF_TYPE_LOC:
		field_location(text);
		break;
	case LDNS_RDF_TYPE_ALG:
	case LDNS_RDF_TYPE_CERTIFICATE_USAGE:
	case LDNS_RDF_TYPE_SELECTOR:
	case LDNS_RDF_TYPE_MATCHING_TYPE:
		field_mnemonic(text, kind, 1);
		break;
	case LDNS_RDF_TYPE_CERT_ALG:
		field_certificate(text);
		break;
	default: /* ILNP64, EUI48, EUI64, NSEC3's next owner: one token, strict in ldns */
		field_mnemonic(text, kind, 0);
	}
}

static void field_read(struct rdata_text *text, ldns_rdf_type kind)
{
	switch (kind) {
	case LDNS_RDF_TYPE_DNAME:
		field_name(text);
		break;
	case LDNS_RDF_TYPE_INT8:
		field_number(text, 1);
		break;
	case LDNS_RDF_TYPE_INT16:
		field_number(text, 2);
		break;
	case LDNS_RDF_TYPE_INT32:
		field_number(text, 4);
		break;
	case LDNS_RDF_TYPE_PERIOD:
		field_period(text);
		break;
	case LDNS_RDF_TYPE_A:
		field_ipv4(text);
		break;
	case LDNS_RDF_TYPE_AAAA:
		field_ipv6(text);
		break;
	case LDNS_RDF_TYPE_STR:
		field_string(text, true);
		break;
	case LDNS_RDF_TYPE_LONG_STR:
		field_string(text, false);
		break;
	case LDNS_RDF_TYPE_HEX:
		field_hex(text);
		break;
	case LDNS_RDF_TYPE_B64:
		field_base64(text);
		break;
	case LDNS_RDF_TYPE_NSEC:
		field_bitmap(text);
		break;
	default:
		field_rare(text, kind);
	}
}

/* What ldns gets wrong about a type's fields. */
static ldns_rdf_type field_kind(uint16_t type, const ldns_rr_descriptor *fields, size_t index)
{
	if (type == LDNS_RR_TYPE_NSAP_PTR)
		return LDNS_RDF_TYPE_DNAME; /* RFC 1706 6; ldns has a string */
	return ldns_rr_descriptor_field_type(fields, index);
}

static bool is_only_generic(uint16_t type, const ldns_rr_descriptor *fields)
{
	switch (type) {
	case LDNS_RR_TYPE_NULL:
	case LDNS_RR_TYPE_NXT:
	case LDNS_RR_TYPE_A6:
	case LDNS_RR_TYPE_SINK:
		return true;
	default:
		return fields == NULL || fields->_name == NULL;
	}
}

/* The types that large zones consist of have one field; true if this was one of them. */
static bool read_single(struct rdata_text *text)
{
	switch (text->type) {
	case TYPE_A:
		field_ipv4(text);
		break;
	case TYPE_AAAA:
		field_ipv6(text);
		break;
	case TYPE_NS:
	case TYPE_CNAME:
	case TYPE_PTR:
		field_name(text);
		break;
	default:
		return false;
	}
	return true;
}

static void refuse_rest(struct rdata_text *text)
{
	char name[TEXT_TYPE_MAX], shown[RDATA_SHOWN];

	if (!text->bad && text->at < text->end)
		rdata_refuse(text, text->at,
			     "\"%s\" is too much for the %s record, remove it or put ; in front "
			     "of a comment",
			     token_shown(text->at, shown), text_of_type(text->type, name));
}

static void read_fields(struct rdata_text *text, const struct token *type_token)
{
	const ldns_rr_descriptor *fields = ldns_rr_descript(text->type);
	char name[TEXT_TYPE_MAX];

	if (is_only_generic(text->type, fields)) {
		rdata_refuse(text, text->at < text->end ? text->at : type_token,
			     "%s data has no text form here, write \\# LENGTH HEXADECIMAL "
			     "(RFC 3597)",
			     text_of_type(text->type, name));
		return;
	}
	size_t least = fields->_minimum;
	size_t most = fields->_variable != LDNS_RDF_TYPE_NONE ? SIZE_MAX : fields->_maximum;
	if (text->type == LDNS_RR_TYPE_HIP)
		most = least; /* field_hip() takes the servers, too */
	for (size_t i = 0; i < most && !text->bad; i++) {
		if (i >= least && text->at == text->end)
			break;
		field_read(text, field_kind(text->type, fields, i));
	}
}

/* RFC 3597 5: \# LENGTH HEXADECIMAL, for known types, too. */
static void read_generic(struct rdata_text *text)
{
	const struct token *length = text->at + 1 < text->end ? text->at + 1 : NULL;
	uint32_t octets;

	text->before = text->at++;
	if (length == NULL ||
	    !number_from_text(length->text, length->length, UINT16_MAX, &octets)) {
		rdata_refuse(text, length != NULL ? length : text->before,
			     "\\# wants a length of 0 to 65535, then hexadecimal digits");
		return;
	}
	text->before = text->at++;
	if (text->at < text->end)
		field_hex(text);
	if (!text->bad && text->used != octets)
		rdata_refuse(text, length,
			     "\\# says %u octets, but %zu follow, correct one of them", octets,
			     text->used);
}

static size_t fields_octets(const ldns_rr *record)
{
	size_t octets = 0;

	for (size_t i = 0; i < ldns_rr_rd_count(record); i++)
		octets += ldns_rdf_size(ldns_rr_rdf(record, i));
	return octets;
}

/* True if ldns finds whole rdata of this type in the octets, without compression pointers. */
static bool wire_is_known(uint16_t type, const uint8_t *rdata, size_t length)
{
	if (type == LDNS_RR_TYPE_NSAP_PTR) /* see field_kind() */
		return length != 0 && name_length(rdata, length) == length;

	uint8_t *wire = malloc(11 + length);
	ldns_rr *record = NULL;
	size_t at = 0;

	if (wire == NULL)
		abort();
	memset(wire, 0, 11);
	put_u16(wire + 1, type);
	put_u16(wire + 3, CLASS_IN);
	put_u16(wire + 9, (uint16_t)length);
	memcpy(wire + 11, rdata, length);
	bool whole =
	    ldns_wire2rr(&record, wire, 11 + length, &at, LDNS_SECTION_ANSWER) == LDNS_STATUS_OK &&
	    at == 11 + length && fields_octets(record) == length;
	ldns_rr_free(record);
	free(wire);
	return whole;
}

bool rdata_read(uint16_t type, const struct token *type_token, const struct token *tokens,
		unsigned count, const uint8_t *origin, uint8_t *rdata, uint16_t *length,
		struct rdata_fault *fault)
{
	struct rdata_text text = {.at = tokens,
				  .end = tokens + count,
				  .before = type_token,
				  .origin = origin,
				  .type = type,
				  .rdata = rdata,
				  .fault = fault};
	bool generic = count > 0 && !tokens[0].quoted && token_is(&tokens[0], "\\#");
	char name[TEXT_TYPE_MAX];

	if (generic)
		read_generic(&text);
	else if (!read_single(&text))
		read_fields(&text, type_token);
	refuse_rest(&text);
	if (!text.bad && (!rdata_is_sound(type, rdata, text.used) ||
			  (generic && !wire_is_known(type, rdata, text.used))))
		rdata_refuse(&text, count > 0 ? tokens : type_token,
			     "this is no whole %s data, compare it with the RFC of the type",
			     text_of_type(type, name));
	*length = (uint16_t)text.used;
	return !text.bad;
}
