#include "dataplane/options.h"

#include "dataplane/listen.h"
#include "dataplane/options_help.h"
#include "runtime/runtime_dir.h"
#include "dataplane/stream/stream.h"

#include <getopt.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

enum option_code {
	OPTION_LISTEN = 256, /* above every character: -h and -V are the only short ones */
	OPTION_IO,
	OPTION_WORKERS,
	OPTION_CORES,
	OPTION_KERNEL,
	OPTION_KERNEL_CORE,
	OPTION_STEERING,
	OPTION_RUNTIME_DIR,
	OPTION_LOG_LEVEL,
	OPTION_IDLE,
	OPTION_WATCHDOG,
	OPTION_TCP_CLIENTS,
	OPTION_TCP_PER_CLIENT,
	OPTION_TCP_IDLE,
	OPTION_USER,
	OPTION_SECCOMP,
	OPTION_CHECKSUMS,
	OPTION_MTU,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct option long_options[] = {
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"io", required_argument, NULL, OPTION_IO},
    {"workers", required_argument, NULL, OPTION_WORKERS},
    {"cores", required_argument, NULL, OPTION_CORES},
    {"kernel", required_argument, NULL, OPTION_KERNEL},
    {"kernel-core", required_argument, NULL, OPTION_KERNEL_CORE},
    {"steering", required_argument, NULL, OPTION_STEERING},
    {"runtime-dir", required_argument, NULL, OPTION_RUNTIME_DIR},
    {"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
    {"idle", required_argument, NULL, OPTION_IDLE},
    {"watchdog", required_argument, NULL, OPTION_WATCHDOG},
    {"tcp-clients", required_argument, NULL, OPTION_TCP_CLIENTS},
    {"tcp-per-client", required_argument, NULL, OPTION_TCP_PER_CLIENT},
    {"tcp-idle", required_argument, NULL, OPTION_TCP_IDLE},
    {"user", required_argument, NULL, OPTION_USER},
    {"seccomp", required_argument, NULL, OPTION_SECCOMP},
    {"checksums", required_argument, NULL, OPTION_CHECKSUMS},
    {"mtu", required_argument, NULL, OPTION_MTU},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static bool take_number(const char *name, const char *text, unsigned least, unsigned most,
			unsigned *out, char error[IO_ERROR_TEXT])
{
	size_t digits = strspn(text, "0123456789");
	bool is_number = digits > 0 && digits < 10 && text[digits] == '\0';
	unsigned long number = is_number ? strtoul(text, NULL, 10) : 0;

	if (is_number && number >= least && number <= most) {
		*out = (unsigned)number;
		return true;
	}
	snprintf(error, IO_ERROR_TEXT, "--%s %s: give a number from %u to %u", name, text, least,
		 most);
	return false;
}

static bool take_listen(struct options *out, const char *text, char error[IO_ERROR_TEXT])
{
	if (out->listen_count == LISTENS_MAX) {
		snprintf(error, IO_ERROR_TEXT, "--listen %s: at most %u addresses", text,
			 LISTENS_MAX);
		return false;
	}
	if (!listen_parse(text, &out->listen[out->listen_count], error))
		return false;
	for (unsigned i = 0; i < out->listen_count; i++) {
		if (memcmp(&out->listen[i], &out->listen[out->listen_count],
			   sizeof(out->listen[i])) == 0) {
			snprintf(error, IO_ERROR_TEXT, "--listen %s: given twice; give it once",
				 text);
			return false;
		}
	}
	out->listen_count++;
	return true;
}

/* What the kernel takes as the name of an interface; '%' makes it a pattern to number. */
static bool is_interface_name(const char *text, size_t length)
{
	static const char not [] = "/:,% \t\n";

	return length > 0 && length < IF_NAMESIZE && strcspn(text, not ) >= length &&
	       (text[0] != '.' || (length > 1 && (text[1] != '.' || length > 2)));
}

static bool is_named_before(const char *list, const char *name, size_t length)
{
	for (const char *at = list; at < name; at += strcspn(at, ",") + 1)
		if (strcspn(at, ",") == length && memcmp(at, name, length) == 0)
			return true;
	return false;
}

static bool take_kernel(struct options *out, const char *text, char error[IO_ERROR_TEXT])
{
	const char *at = text;

	out->kernel = text;
	for (;;) {
		size_t length = strcspn(at, ",");
		bool valid = is_interface_name(at, length);

		if (!valid || is_named_before(text, at, length)) {
			snprintf(error, IO_ERROR_TEXT,
				 "--kernel %.100s: %.*s %s; give auto, off, or for each port the "
				 "name of an interface, at most %d characters without / : %% and "
				 "spaces",
				 text, length < 40 ? (int)length : 40, at,
				 valid ? "is named twice" : "can't be the name of an interface",
				 IF_NAMESIZE - 1);
			return false;
		}
		if (at[length] == '\0')
			return true;
		at += length + 1;
	}
}

static bool take_cores(struct options *out, const char *text, char error[IO_ERROR_TEXT])
{
	out->has_cores = core_list_parse(text, &out->cores);
	if (!out->has_cores)
		snprintf(error, IO_ERROR_TEXT,
			 "--cores %s: give core numbers and ranges, each core once, such as 0,2-3",
			 text);
	return out->has_cores;
}

static bool take_kernel_core(struct options *out, const char *text, char error[IO_ERROR_TEXT])
{
	unsigned core;

	if (!take_number("kernel-core", text, 0, CORES_MAX - 1, &core, error))
		return false;
	out->kernel_core = (int)core;
	return true;
}

static bool take_runtime_dir(struct options *out, const char *text, char error[IO_ERROR_TEXT])
{
	size_t length = strlen(text);

	if (length == 0 || length >= sizeof(out->runtime_dir)) {
		snprintf(error, IO_ERROR_TEXT, "--runtime-dir: give the path of a directory");
		return false;
	}
	memcpy(out->runtime_dir, text, length + 1);
	return true;
}

static bool take_log_level(struct options *out, const char *text, char error[IO_ERROR_TEXT])
{
	if (log_level_from_text(text, &out->log_level))
		return true;
	snprintf(error, IO_ERROR_TEXT, "--log-level %s: give debug, info, warning or error", text);
	return false;
}

static bool take_idle(struct options *out, const char *text, char error[IO_ERROR_TEXT])
{
	if (idle_from_text(text, &out->idle))
		return true;
	snprintf(error, IO_ERROR_TEXT, "--idle %s: give poll, adaptive or interrupt", text);
	return false;
}

static bool take_seccomp(struct options *out, const char *text, char error[IO_ERROR_TEXT])
{
	out->seccomp = strcmp(text, "on") == 0;
	if (out->seccomp || strcmp(text, "off") == 0)
		return true;
	snprintf(error, IO_ERROR_TEXT, "--seccomp %s: give on or off", text);
	return false;
}

static bool take_checksums(struct options *out, const char *text, char error[IO_ERROR_TEXT])
{
	out->trust_checksums = strcmp(text, "trust") == 0;
	if (out->trust_checksums || strcmp(text, "verify") == 0)
		return true;
	snprintf(error, IO_ERROR_TEXT, "--checksums %s: give verify or trust", text);
	return false;
}

static bool take_steering(struct options *out, const char *text, char error[IO_ERROR_TEXT])
{
	out->steers_by_card = strcmp(text, "card") == 0;
	if (out->steers_by_card || strcmp(text, "software") == 0)
		return true;
	snprintf(error, IO_ERROR_TEXT, "--steering %s: give software or card", text);
	return false;
}

static bool take_option(struct options *out, int option, const char *text,
			char error[IO_ERROR_TEXT])
{
	switch (option) {
	case OPTION_LISTEN:
		return take_listen(out, text, error);
	case OPTION_IO:
		out->io = text;
		return true;
	case OPTION_WORKERS:
		return take_number("workers", text, 1, PACKET_WORKERS_MAX, &out->workers, error);
	case OPTION_CORES:
		return take_cores(out, text, error);
	case OPTION_KERNEL:
		return take_kernel(out, text, error);
	case OPTION_KERNEL_CORE:
		return take_kernel_core(out, text, error);
	case OPTION_STEERING:
		return take_steering(out, text, error);
	case OPTION_RUNTIME_DIR:
		return take_runtime_dir(out, text, error);
	case OPTION_LOG_LEVEL:
		return take_log_level(out, text, error);
	case OPTION_IDLE:
		return take_idle(out, text, error);
	case OPTION_WATCHDOG:
		return take_number("watchdog", text, 0, 3600, &out->watchdog, error);
	case OPTION_TCP_CLIENTS:
		return take_number("tcp-clients", text, 1, STREAM_CLIENTS_MOST, &out->tcp_clients,
				   error);
	case OPTION_TCP_PER_CLIENT:
		return take_number("tcp-per-client", text, 1, STREAM_CLIENTS_MOST,
				   &out->tcp_per_client, error);
	case OPTION_TCP_IDLE:
		return take_number("tcp-idle", text, 1, 86400, &out->tcp_idle, error);
	case OPTION_USER:
		out->user = text;
		return true;
	case OPTION_SECCOMP:
		return take_seccomp(out, text, error);
	case OPTION_MTU:
		return take_number("mtu", text, 576, 16000, &out->mtu, error);
	case OPTION_CHECKSUMS:
		return take_checksums(out, text, error);
	default:
		return false;
	}
}

static void set_defaults(struct options *out)
{
	memset(out, 0, sizeof(*out));
	out->io = "socket";
	out->kernel = "auto";
	out->kernel_core = -1;
	out->seccomp = true;
	out->log_level = LOG_LEVEL_INFO;
	out->watchdog = 10;
	runtime_dir_default(out->runtime_dir, sizeof(out->runtime_dir));
}

/* The other back ends leave to the kernel what is its own anyway. */
static bool fits_back_end(const struct options *options, char error[IO_ERROR_TEXT])
{
	const char *kernel = options->kernel;

	if (strncmp(options->io, "dpdk", 4) == 0 || strcmp(kernel, "auto") == 0 ||
	    strcmp(kernel, "off") == 0)
		return true;
	snprintf(
	    error, IO_ERROR_TEXT,
	    "--kernel %.100s: only DPDK's ports get an interface of the kernel: leave it out with "
	    "--io %.100s",
	    kernel, options->io);
	return false;
}

enum options_result options_parse(int argc, char **argv, struct options *out,
				  char error[IO_ERROR_TEXT])
{
	int option;

	set_defaults(out);
	optind = 0; /* glibc: start over, so that a test may parse twice */
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:hV", long_options, NULL)) != -1) {
		bool help = option == OPTION_HELP || option == 'h';

		if (help || option == OPTION_VERSION || option == 'V') {
			fputs(help ? options_help : "skua-dataplane " SKUA_VERSION "\n", stdout);
			return OPTIONS_DONE;
		}
		if (option == '?' || option == ':') {
			snprintf(error, IO_ERROR_TEXT, "%s: %s (see --help)", argv[optind - 1],
				 option == ':' ? "wants a value" : "no such option");
			return OPTIONS_BAD;
		}
		if (!take_option(out, option, optarg, error))
			return OPTIONS_BAD;
	}
	if (optind < argc) {
		snprintf(error, IO_ERROR_TEXT, "%s: not an option (see --help)", argv[optind]);
		return OPTIONS_BAD;
	}
	if (!fits_back_end(out, error))
		return OPTIONS_BAD;
	if (out->listen_count == 0 && strcmp(out->io, "socket") == 0)
		out->listen_count = listen_default(out->listen);
	return OPTIONS_RUN;
}
