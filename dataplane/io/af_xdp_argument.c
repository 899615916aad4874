#include "dataplane/io/af_xdp_argument.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One part between commas. */
struct part {
	const char *text;
	size_t length;
};

static bool refuse(const struct part *part, const char *why, char error[IO_ERROR_TEXT])
{
	snprintf(error, IO_ERROR_TEXT,
		 "--io af_xdp: %.*s: %s; give INTERFACE[/QUEUES][:copy|:zero-copy],..., such as "
		 "eth0/0-3+6,eth1:copy",
		 part->length < 80 ? (int)part->length : 80, part->text, why);
	return false;
}

/* One to three digits below AF_XDP_QUEUES_MAX; -1: none. Moves *at behind them. */
static int take_number(const char **at, const char *end)
{
	unsigned number = 0, digits = 0;

	for (; *at < end && **at >= '0' && **at <= '9' && digits < 4; (*at)++, digits++)
		number = number * 10 + (unsigned)(**at - '0');
	return digits > 0 && number < AF_XDP_QUEUES_MAX ? (int)number : -1;
}

/* "0-3+6": ranges joined by plus signs, each queue once. */
static bool take_queues(struct af_xdp_choice *choice, const char *at, const char *end)
{
	for (;;) {
		int first = take_number(&at, end), last = first;

		if (first >= 0 && at < end && *at == '-') {
			at++;
			last = take_number(&at, end);
		}
		if (first < 0 || last < first)
			return false;
		for (int i = first; i <= last; i++) {
			if (choice->queue[i])
				return false;
			choice->queue[i] = true;
		}
		if (at == end)
			return true;
		if (*at++ != '+')
			return false;
	}
}

static bool take_mode(struct af_xdp_choice *choice, const char *mode, size_t length)
{
	static const char *const words[] = {
	    [AF_XDP_AUTO] = "auto", [AF_XDP_ZERO_COPY] = "zero-copy", [AF_XDP_COPY] = "copy"};

	for (enum af_xdp_copy i = AF_XDP_AUTO; i <= AF_XDP_COPY; i++) {
		if (strlen(words[i]) == length && strncmp(words[i], mode, length) == 0) {
			choice->copy = i;
			return true;
		}
	}
	return false;
}

static bool is_named(const struct af_xdp_argument *argument, const char *interface)
{
	for (unsigned i = 0; i < argument->count; i++)
		if (strcmp(argument->choice[i].interface, interface) == 0)
			return true;
	return false;
}

static bool take_part(struct af_xdp_argument *out, const struct part *part,
		      char error[IO_ERROR_TEXT])
{
	struct af_xdp_choice *choice = &out->choice[out->count];
	const char *end = part->text + part->length;
	const char *mode = memchr(part->text, ':', part->length);
	const char *behind = mode ? mode : end; /* the queues */
	const char *slash = memchr(part->text, '/', (size_t)(behind - part->text));
	size_t length = (size_t)((slash ? slash : behind) - part->text);

	if (length == 0)
		return refuse(part, "an interface's name is missing", error);
	snprintf(choice->interface, sizeof(choice->interface), "%.*s",
		 length < AF_XDP_NAME ? (int)length : (int)AF_XDP_NAME, part->text);
	choice->all = !slash;
	if (slash && !take_queues(choice, slash + 1, behind))
		return refuse(part, "not a list of queues (0 to 255, each once)", error);
	if (mode && !take_mode(choice, mode + 1, (size_t)(end - mode - 1)))
		return refuse(part, "no such mode (auto, copy or zero-copy)", error);
	if (is_named(out, choice->interface))
		return refuse(part, "named twice: join its queues by a plus sign", error);
	out->count++;
	return true;
}

bool af_xdp_argument_parse(const char *text, struct af_xdp_argument *out, char error[IO_ERROR_TEXT])
{
	memset(out, 0, sizeof(*out));
	while (*text != '\0' || out->count > 0) {
		const struct part part = {text, strcspn(text, ",")};

		if (out->count == AF_XDP_INTERFACES_MAX) {
			snprintf(error, IO_ERROR_TEXT, "--io af_xdp: at most %u interfaces",
				 AF_XDP_INTERFACES_MAX);
			return false;
		}
		if (!take_part(out, &part, error))
			return false;
		if (text[part.length] == '\0')
			return true;
		text += part.length + 1;
	}
	return true;
}
