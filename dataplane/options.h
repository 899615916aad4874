/* options.h: the command line of skua-dataplane.
 *
 * Threads: the main thread, before any other starts. */
#ifndef SKUA_DATAPLANE_OPTIONS_H
#define SKUA_DATAPLANE_OPTIONS_H

#include "dataplane/io/packet_io.h"
#include "runtime/log.h"
#include "dataplane/worker/cores.h"
#include "dataplane/worker/worker.h"
#include "zones/abi/channel.h"

#include <limits.h>
#include <stdio.h>

/* The stream thread and the housekeeping thread have the last lines. */
#define PACKET_WORKERS_MAX (WORKERS_MAX - 2)

struct options {
	struct listen_address listen[LISTENS_MAX];
	unsigned listen_count; /* 0: not given, and the back end has addresses of its own */
	const char *io;	       /* as given, or "socket"; borrows argv */
	unsigned workers;      /* 0: not given */
	bool has_cores;
	struct core_list cores; /* only if has_cores */
	const char *kernel;	/* "auto" if not given; borrows argv */
	int kernel_core;	/* -1: not given */
	char runtime_dir[PATH_MAX];
	enum log_level log_level;
	enum idle_mode idle;
	unsigned watchdog;    /* seconds that a worker may stand still before we end; 0: for ever */
	unsigned tcp_clients; /* these three: 0: the default of stream.h */
	unsigned tcp_per_client;
	unsigned tcp_idle; /* seconds */
	const char *user;  /* NULL: not given; borrows argv */
	bool seccomp;
	bool trust_checksums;
	unsigned mtu; /* 0: not given */
	bool steers_by_card;
};

enum options_result {
	OPTIONS_RUN,
	OPTIONS_DONE, /* --help or --version: written to stdout */
	OPTIONS_BAD,  /* *error says what */
};

/* Fills in the defaults too: with the socket back end and no --listen, 127.0.0.1:5300 and
 * [::1]:5300. */
enum options_result options_parse(int argc, char **argv, struct options *out,
				  char error[IO_ERROR_TEXT]);

#endif
