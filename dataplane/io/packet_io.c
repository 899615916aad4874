#include "dataplane/io/packet_io.h"

#include <stdio.h>
#include <string.h>

static const struct packet_io_class *const built[] = {
    &packet_io_socket,
#if HAVE_AF_XDP
    &packet_io_af_xdp,
#endif
#if HAVE_DPDK
    &packet_io_dpdk,
#endif
};

#define BUILT_COUNT (sizeof(built) / sizeof(built[0]))

/* What follows the name; NULL if this option is not for this class. */
static const char *argument_behind(const char *option, const char *name)
{
	size_t length = strlen(name);

	if (strncmp(option, name, length) != 0)
		return NULL;
	if (option[length] == ':')
		return option + length + 1;
	return option[length] == '\0' ? option + length : NULL;
}

static void list_built(char *text, size_t size)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < BUILT_COUNT && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%s", i ? ", " : "", built[i]->name);
}

static void explain_unknown(const char *option, char error[IO_ERROR_TEXT])
{
	char known[64];
	bool left_out =
	    argument_behind(option, "af_xdp") != NULL || argument_behind(option, "dpdk") != NULL;

	list_built(known, sizeof(known));
	snprintf(error, IO_ERROR_TEXT, "--io %.100s: %s; this build knows: %s", option,
		 left_out ? "not in this build, its libraries were missing when it was made"
			  : "no such back end (socket, af_xdp:INTERFACE or dpdk:EAL-ARGUMENTS)",
		 known);
}

const struct packet_io_class *packet_io_find(const char *option, const char **argument,
					     char error[IO_ERROR_TEXT])
{
	for (size_t i = 0; i < BUILT_COUNT; i++) {
		*argument = argument_behind(option, built[i]->name);
		if (*argument)
			return built[i];
	}
	explain_unknown(option, error);
	return NULL;
}
