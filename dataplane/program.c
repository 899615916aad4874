#include "dataplane/program.h"

#include "dataplane/io/address.h"
#include "runtime/numa.h"
#include "runtime/runtime_dir.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* So that what is there answers. A number that is too large with all of it is left to be refused.
 */
static void lower_workers(struct options *options, unsigned queues, unsigned absent)
{
	if (options->workers <= queues || options->workers - queues > absent)
		return;
	log_warning("dataplane.main", "fewer workers for now: not all that --io names is there",
		    LOG_UNSIGNED("wanted", options->workers), LOG_UNSIGNED("queues", queues));
	options->workers = queues;
}

/* One for each queue, as far as there are cores for them. */
static void settle_workers(struct program *program)
{
	struct options *options = &program->options;
	unsigned absent = 0, queues = 1, most;
	struct core_list allowed;

	if (program->io_class->queues)
		queues = program->io_class->queues(program->io_argument, &absent);
	program->partial = queues > 0 && absent > 0;
	if (program->partial && options->workers > 0)
		lower_workers(options, queues, absent);
	if (options->workers > 0)
		return;
	core_list_allowed(&allowed);
	most = options->has_cores ? options->cores.count : allowed.count;
	most = most < PACKET_WORKERS_MAX ? most : PACKET_WORKERS_MAX;
	options->workers = queues < most ? queues : most;
	options->workers = options->workers > 0 ? options->workers : 1;
}

static bool assign_cores(struct program *program, char error[IO_ERROR_TEXT])
{
	const struct options *options = &program->options;
	struct core_list allowed;

	core_list_allowed(&allowed);
	if (!options->has_cores && options->workers > allowed.count)
		log_warning("dataplane.main", "more workers than cores: they share cores");
	if (!core_list_assign(options->has_cores ? &options->cores : NULL, &allowed,
			      options->workers, program->core, error, IO_ERROR_TEXT))
		return false;
	if (options->kernel_core >= 0 &&
	    !core_is_allowed("--kernel-core", options->kernel_core, &allowed, error, IO_ERROR_TEXT))
		return false;
	for (unsigned i = 0; i < options->workers; i++)
		program->node[i] = numa_node_of_core(NUMA_ROOT, program->core[i]);
	return true;
}

/* A loopback address is never asked by way of an interface: on it alone, we would be deaf. */
static bool can_be_asked(const struct program *program, char error[IO_ERROR_TEXT])
{
	const struct options *options = &program->options;
	unsigned loopback = 0;

	if (!program->io_class->addresses)
		return true;
	for (unsigned i = 0; i < options->listen_count; i++)
		loopback += address_is_loopback(&options->listen[i].address);
	if (loopback == 0)
		return true;
	if (loopback < options->listen_count) {
		log_warning("dataplane.main", "a loopback address among those to listen on is "
					      "answered over TCP only: no query comes to it by an "
					      "interface");
		return true;
	}
	snprintf(error, IO_ERROR_TEXT,
		 "no query comes to a loopback address by an interface: with --io %s name other "
		 "addresses by --listen, or none for those that the interface has",
		 program->io_class->name);
	return false;
}

static bool open_packets(struct program *program, char error[IO_ERROR_TEXT])
{
	struct io_config config = {
	    .argument = program->io_argument,
	    .listen = program->options.listen,
	    .listen_count = program->options.listen_count,
	    .workers = program->options.workers,
	    .node = program->node,
	    .trust_checksums = program->options.trust_checksums,
	    .mtu = program->options.mtu,
	    .kernel = program->options.kernel,
	    .steers_by_card = program->options.steers_by_card,
	};

	program->io = program->io_class->open(&config, error);
	return program->io != NULL;
}

/* Whether the main thread gives up what the threads that it starts must not have either. */
static bool is_confined(const struct program *program)
{
	return program->account.choice == ACCOUNT_BECOME ||
	       program->account.choice == ACCOUNT_ALREADY;
}

/* DPDK's addresses need not be the kernel's: there TCP is offered where it can be. */
static bool open_stream(struct program *program, char error[IO_ERROR_TEXT])
{
	const struct options *options = &program->options;
	const struct listening *listening = &program->listening;
	struct stream_config config = {
	    .listen = listening->address,
	    .listen_count = listening->count,
	    .early = listening->follows || program->partial,
	    .drop_capabilities = is_confined(program),
	    .adopt = program->adopt,
	    .worker = options->workers,
	    .core = -1,
	    .clients = options->tcp_clients,
	    .per_client = options->tcp_per_client,
	    .idle = options->tcp_idle,
	};

	if (listening->count == 0 && !listening->follows) {
		log_warning("dataplane.main",
			    "no TCP: the back end's addresses are not the kernel's");
		return true;
	}
	program->stream = stream_open(&config, error);
	if (program->stream || strcmp(program->io_class->name, "dpdk") != 0)
		return program->stream != NULL;
	log_warning("dataplane.main", "no TCP", LOG_TEXT("reason", error));
	return true;
}

static void describe_ports(struct program *program)
{
	struct dataplane_file *file = adopt_file(program->adopt);
	struct io_port port[PORTS_MAX];

	if (!program->io_class->ports)
		return;
	file->port_count = program->io_class->ports(program->io, port);
	for (unsigned i = 0; i < file->port_count; i++)
		memcpy(file->port[i].name, port[i].name, sizeof(file->port[i].name));
}

/* Lines of the dataplane file: the workers, TCP, housekeeping. */
static void describe_threads(struct program *program)
{
	struct dataplane_file *file = adopt_file(program->adopt);
	const struct packet_io_class *io_class = program->io_class;
	const char *housekeeping =
	    io_class->describe_housekeeping ? io_class->describe_housekeeping(program->io) : NULL;
	unsigned lines = program->options.workers;

	if (program->stream) {
		file->worker[lines].core = file->worker[lines].node = -1;
		strcpy(file->worker[lines++].io, "stream");
	}
	if (housekeeping) {
		file->worker[lines].core = program->options.kernel_core;
		file->worker[lines].node = -1;
		snprintf(file->worker[lines].io, sizeof(file->worker[lines].io), "%s",
			 housekeeping);
		program->housekeeping_line = lines++;
	}
	file->worker_count = lines;
}

bool program_open(struct program *program, const struct options *given,
		  const struct packet_io_class *io_class, const char *io_argument,
		  char error[IO_ERROR_TEXT])
{
	const struct options *options = &program->options; /* settled further */

	memset(program, 0, sizeof(*program));
	program->options = *given;
	program->io_class = io_class;
	program->io_argument = io_argument;
	settle_workers(program);
	if (!can_be_asked(program, error) ||
	    !idle_settle(&program->options.idle, io_class, error, IO_ERROR_TEXT) ||
	    !account_find(options->user, &program->account, error, IO_ERROR_TEXT) ||
	    !assign_cores(program, error) ||
	    !runtime_dir_make(options->runtime_dir, error, IO_ERROR_TEXT))
		return false;
	program->adopt =
	    adopt_open(options->runtime_dir, options->workers + 2, error, IO_ERROR_TEXT);
	if (!program->adopt)
		return false;
	for (unsigned i = 0; i < options->workers; i++)
		adopt_set_node(program->adopt, i, program->node[i]);
	if (!open_packets(program, error))
		return false;
	listening_start(&program->listening, options->listen, options->listen_count, io_class,
			program->io);
	if (!open_stream(program, error))
		return false;
	describe_ports(program);
	describe_threads(program);
	listening_show(&program->listening, adopt_file(program->adopt));
	/* Everything that needs privileges is open: here root, capabilities and reach of files end.
	 */
	return confine_privileges(&program->account, io_class, program->io,
				  program->listening.follows, program->adopt, error);
}

static void log_worker(const struct program *program, unsigned index)
{
	log_info("dataplane.worker", "running", LOG_UNSIGNED("worker", index),
		 LOG_NUMBER("core", program->core[index]),
		 LOG_TEXT("io", program->io_class->describe(program->io, index)));
}

static bool start_housekeeper(struct program *program, char error[IO_ERROR_TEXT])
{
	struct housekeeper_config config = {
	    .adopt = program->adopt,
	    .io_class = program->io_class,
	    .io = program->io,
	    .index = program->housekeeping_line,
	    .core = program->options.kernel_core,
	    .filter = program->filters.worker,
	    .drop_capabilities = is_confined(program),
	};

	if (program->housekeeping_line == 0)
		return true;
	program->housekeeper = housekeeper_start(&config, error, IO_ERROR_TEXT);
	if (program->housekeeper)
		log_info("dataplane.worker", "running", LOG_UNSIGNED("worker", config.index),
			 LOG_NUMBER("core", config.core),
			 LOG_TEXT("io", program->io_class->describe_housekeeping(program->io)));
	return program->housekeeper != NULL;
}

bool program_start(struct program *program, char error[IO_ERROR_TEXT])
{
	if (!program->options.seccomp)
		log_warning("dataplane.main", "system calls are not filtered, as --seccomp asks");
	else if (!confine_calls(program->io_class, &program->filters, error))
		return false;
	if (program->stream && !stream_start(program->stream, program->filters.stream, error))
		return false;
	if (!start_housekeeper(program, error))
		return false;
	for (unsigned i = 0; i < program->options.workers; i++) {
		struct worker_config config = {
		    .adopt = program->adopt,
		    .io_class = program->io_class,
		    .io = program->io,
		    .index = i,
		    .core = program->core[i],
		    .node = program->node[i],
		    .idle = program->options.idle,
		    .filter = program->filters.worker,
		    .drop_capabilities = is_confined(program),
		};

		program->worker[i] = worker_start(&config, error, IO_ERROR_TEXT);
		if (!program->worker[i])
			return false;
		log_worker(program, i);
	}
	return true;
}

bool program_follow(struct program *program)
{
	return listening_follow(&program->listening, program->io_class, program->io,
				program->stream, adopt_file(program->adopt));
}

void program_stop(struct program *program)
{
	for (unsigned i = 0; i < PACKET_WORKERS_MAX; i++) {
		if (program->worker[i])
			worker_stop(program->worker[i]);
	}
	for (unsigned i = 0; i < PACKET_WORKERS_MAX; i++)
		worker_free(program->worker[i]);
	housekeeper_stop(program->housekeeper);
	stream_close(program->stream);
	if (program->io)
		program->io_class->close(program->io);
	if (program->adopt)
		adopt_close(program->adopt);
	confine_filters_free(&program->filters);
}
