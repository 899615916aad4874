/* directive.c: $ORIGIN, $TTL, $INCLUDE (RFC 1035 5.1, RFC 2308 4). */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "zones/text/reader.h"

static bool has_arguments(struct reader *reader, const struct entry *entry, unsigned least,
			  unsigned most, const char *usage)
{
	if (entry->count - 1 >= least && entry->count - 1 <= most)
		return true;
	reader_refuse(reader, &entry->tokens[entry->count - 1 > most ? most + 1 : 0],
		      "too %s for this directive, write %s",
		      entry->count - 1 > most ? "much" : "little", usage);
	return false;
}

static void set_origin(struct reader *reader, const struct entry *entry)
{
	uint8_t wire[NAME_MAX_OCTETS];
	size_t length;

	if (!has_arguments(reader, entry, 1, 1, "$ORIGIN NAME") ||
	    !reader_name(reader, &entry->tokens[1], wire, &length))
		return;
	memcpy(reader->origin, wire, length);
	reader->origin_length = length;
}

static void set_ttl(struct reader *reader, const struct entry *entry)
{
	const struct token *token = &entry->tokens[1];
	char shown[RDATA_SHOWN];

	if (!has_arguments(reader, entry, 1, 1, "$TTL SECONDS"))
		return;
	if (period_from_text(token->text, token->length, &reader->default_ttl))
		reader->has_default = true;
	else
		reader_refuse(reader, token,
			      "\"%s\" is no TTL, write 0 to 2147483647 seconds or units such as "
			      "1h30m or 1W",
			      token_shown(token, shown));
}

/* The path that is meant: relative to the folder of the file that includes. */
static bool include_path(struct reader *reader, const struct token *token, char path[PATH_MAX])
{
	const char *at = token->text, *end = at + token->length;
	const char *slash = strrchr(reader->frame->path, '/');
	size_t used = 0;

	if (slash != NULL && token->length > 0 && *at != '/') {
		used = (size_t)(slash - reader->frame->path) + 1;
		if (used < PATH_MAX)
			memcpy(path, reader->frame->path, used);
	}
	while (at < end && used < PATH_MAX - 1) {
		int octet = octet_from_text(&at, end);

		if (octet <= 0) {
			reader_refuse(reader, token, "bad escape in the file name, correct it");
			return false;
		}
		path[used++] = (char)octet;
	}
	if (at == end && token->length > 0) {
		path[used] = '\0';
		return true;
	}
	reader_refuse(reader, token, "no file name, or one that is too long, correct it");
	return false;
}

/* The including file's origin and owner come back afterwards (RFC 1035 5.1); $TTL goes on, as in
 * BIND. */
static void include_with(struct reader *reader, const struct entry *entry, const char *path)
{
	uint8_t origin[NAME_MAX_OCTETS], owner[NAME_MAX_OCTETS];
	size_t origin_length = reader->origin_length, owner_length = reader->owner_length;
	bool owner_is_bad = reader->owner_is_bad;

	memcpy(origin, reader->origin, origin_length);
	memcpy(owner, reader->owner, owner_length);
	if (entry->count == 3) {
		uint8_t wire[NAME_MAX_OCTETS];
		size_t length;

		if (!reader_name(reader, &entry->tokens[2], wire, &length))
			return;
		memcpy(reader->origin, wire, length);
		reader->origin_length = length;
	}
	reader_read_file(reader, path, &entry->tokens[1]);
	memcpy(reader->origin, origin, origin_length);
	memcpy(reader->owner, owner, owner_length);
	reader->origin_length = origin_length;
	reader->owner_length = owner_length;
	reader->owner_is_bad = owner_is_bad;
}

static void include(struct reader *reader, const struct entry *entry)
{
	char path[PATH_MAX];

	if (!has_arguments(reader, entry, 1, 2, "$INCLUDE FILE [ORIGIN]"))
		return;
	if (!reader->may_include)
		reader_refuse(reader, entry->tokens, "$INCLUDE is not allowed here, remove it");
	else if (reader->frame->depth >= TEXT_INCLUDE_DEPTH)
		reader_refuse(reader, entry->tokens,
			      "files include each other more than %u deep, flatten them",
			      TEXT_INCLUDE_DEPTH);
	else if (include_path(reader, &entry->tokens[1], path))
		include_with(reader, entry, path);
}

void reader_directive(struct reader *reader, const struct entry *entry)
{
	const struct token *name = entry->tokens;
	char shown[RDATA_SHOWN];

	if (token_is(name, "$ORIGIN"))
		set_origin(reader, entry);
	else if (token_is(name, "$TTL"))
		set_ttl(reader, entry);
	else if (token_is(name, "$INCLUDE"))
		include(reader, entry);
	else if (token_is(name, "$GENERATE"))
		reader_generate(reader, entry);
	else
		reader_refuse(reader, name,
			      "\"%s\" is no directive, write $ORIGIN, $TTL, $INCLUDE or "
			      "$GENERATE, or \\$ if it is a name",
			      token_shown(name, shown));
}
