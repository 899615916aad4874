#include "dataplane/io/dpdk_eal.h"

#include "dataplane/io/dpdk_arguments.h"
#include "dataplane/io/dpdk_memif.h"
#include "dataplane/io/dpdk_memory.h"
#include "runtime/numa.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

/* The first error that the EAL logged at its start, which may have succeeded without what it could
 * not have. */
static char complaint[200];
static bool has_vdev; /* the operator has named a virtual device */

static bool has_one_of(const struct dpdk_arguments *arguments, const char *const *options)
{
	for (; *options; options++) {
		if (dpdk_arguments_has(arguments, *options))
			return true;
	}
	return false;
}

/* "--lcores=0@(0,1,5)": one lcore that floats over all the cores that we may use, so that neither
 * this thread nor the EAL's own ones are tied to a core that a worker polls on. */
static void floating_lcore(char *text, size_t size)
{
	size_t used = (size_t)snprintf(text, size, "--lcores=0@(");
	cpu_set_t set;
	const char *comma = "";

	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	for (int core = 0; core < CPU_SETSIZE && used < size - 8; core++) {
		if (CPU_ISSET((size_t)core, &set)) {
			used += (size_t)snprintf(text + used, size - used, "%s%d", comma, core);
			comma = ",";
		}
	}
	snprintf(text + used, size - used, ")");
}

/* Nothing is to be shared with other processes, nor left behind on a disk or in /run. --no-huge
 * does not go together with --in-memory, but --no-shconf is enough there. */
static const char *keep_alone(const struct dpdk_arguments *arguments)
{
	return dpdk_arguments_has(arguments, "--no-huge") ||
		       dpdk_arguments_has(arguments, "--legacy-mem")
		   ? "--no-shconf"
		   : "--in-memory";
}

static bool add_defaults(struct dpdk_arguments *arguments)
{
	static const char *const sharing[] = {"--in-memory",   "--proc-type", "--file-prefix",
					      "--huge-unlink", "--no-shconf", NULL};
	/* Who names a virtual device wants that one, not a card that happens to be there too. */
	static const char *const devices[] = {"-a", "--allow", "-b", "--block", "--no-pci", NULL};
	static const char *const telemetry[] = {"--telemetry", "--no-telemetry", NULL};
	static const char *const lcores[] = {"-l", "-c", "--lcores", "--main-lcore", NULL};
	char floating[4096];

	floating_lcore(floating, sizeof(floating));
	return (has_one_of(arguments, sharing) ||
		dpdk_arguments_add(arguments, keep_alone(arguments))) &&
	       (!dpdk_arguments_has(arguments, "--vdev") || has_one_of(arguments, devices) ||
		dpdk_arguments_add(arguments, "--no-pci")) &&
	       (has_one_of(arguments, telemetry) ||
		dpdk_arguments_add(arguments, "--no-telemetry")) &&
	       (has_one_of(arguments, lcores) || dpdk_arguments_add(arguments, floating));
}

static void explain(int code, char error[IO_ERROR_TEXT])
{
	snprintf(error, IO_ERROR_TEXT,
		 "DPDK does not start: %s (check the arguments behind --io dpdk:)",
		 *complaint != '\0' ? complaint : rte_strerror(code));
}

/* rte_eal_init() with its usage text kept from stdout, and its affinity change undone. */
static int init_quietly(struct dpdk_arguments *arguments)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), out = dup(STDOUT_FILENO), result;
	cpu_set_t cores;

	sched_getaffinity(0, sizeof(cores), &cores);
	fflush(stdout);
	if (null >= 0 && out >= 0)
		dup2(null, STDOUT_FILENO);
	result = rte_eal_init(arguments->count, arguments->argument);
	fflush(stdout);
	if (null >= 0 && out >= 0)
		dup2(out, STDOUT_FILENO);
	close(null);
	close(out);
	pthread_setaffinity_np(pthread_self(), sizeof(cores), &cores);
	return result < 0 ? rte_errno : 0;
}

/* Starts the EAL with its errors kept in *log (to be freed), or, if the operator asked for a level,
 * all that it has to say on stderr. Returns 0 or an errno. */
static int start(struct dpdk_arguments *arguments, char **log)
{
	bool quiet = !dpdk_arguments_has(arguments, "--log-level");
	size_t size = 0;
	FILE *stream = open_memstream(log, &size);
	int code;

	if (!stream)
		return ENOMEM;
	rte_openlog_stream(quiet ? stream : stderr);
	if (quiet)
		rte_log_set_global_level(RTE_LOG_ERR);
	code = init_quietly(arguments);
	rte_openlog_stream(stderr);
	if (quiet)
		rte_log_set_global_level(RTE_LOG_WARNING);
	fclose(stream);
	return code;
}

static void explain_no_name(char error[IO_ERROR_TEXT])
{
	snprintf(
	    error, IO_ERROR_TEXT,
	    "--io dpdk names no port, and no network card is bound to a driver for DPDK: bind "
	    "one (dpdk-devbind.py -b vfio-pci ADDRESS) and name it by --io \"dpdk:-a ADDRESS\", "
	    "or give a virtual one by --vdev");
}

bool dpdk_eal_start(const struct io_config *config, char error[IO_ERROR_TEXT])
{
	static struct dpdk_arguments arguments; /* the EAL keeps pointers into it */
	struct dpdk_demand demand;
	char *log = NULL;
	int code;

	if (!dpdk_arguments_split(&arguments, program_invocation_short_name, config->argument,
				  error, IO_ERROR_TEXT))
		return false;
	if (!add_defaults(&arguments)) {
		snprintf(error, IO_ERROR_TEXT, "--io dpdk: too many arguments");
		return false;
	}
	has_vdev = dpdk_arguments_has(&arguments, "--vdev");
	dpdk_demand_find(&arguments, config->workers + config->steers_by_card, config->kernel,
			 NUMA_ROOT, &demand);
	demand.mtu = config->mtu;
	if (!dpdk_memory_check(&demand, NUMA_ROOT, error, IO_ERROR_TEXT)) {
		if (demand.ports == 0) /* memory would not help */
			explain_no_name(error);
		return false;
	}
	dpdk_memif_remove_stale(&arguments);
	code = start(&arguments, &log);
	if (log) /* its first line: the others follow from it */
		snprintf(complaint, sizeof(complaint), "%.*s", (int)strcspn(log, "\n"), log);
	if (code != 0)
		explain(code, error);
	free(log);
	return code == 0;
}

void dpdk_eal_explain_none(char error[IO_ERROR_TEXT])
{
	bool complained = *complaint != '\0';

	if (has_vdev)
		snprintf(
		    error, IO_ERROR_TEXT,
		    "%s: DPDK could not make the device of --vdev: is its interface there (ip "
		    "link), and are its name and options right? net_af_packet wants CAP_NET_RAW, "
		    "net_tap CAP_NET_ADMIN",
		    complained ? complaint : "DPDK found no port");
	else
		snprintf(error, IO_ERROR_TEXT,
			 "DPDK found no port%s%s%s: bind a network card to vfio-pci "
			 "(dpdk-devbind.py -b vfio-pci ADDRESS) and name it by --io \"dpdk:-a "
			 "ADDRESS\", or give a virtual one by --vdev",
			 complained ? " (" : "", complaint, complained ? ")" : "");
}

void dpdk_eal_stop(void)
{
	rte_eal_cleanup();
}
