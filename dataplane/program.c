#include "dataplane/program.h"

#include "dataplane/io/address.h"
#include "dataplane/listen.h"
#include "runtime/runtime_dir.h"

#include <string.h>
#include <time.h>

static bool assign_cores(struct program *program, char error[IO_ERROR_TEXT])
{
	const struct options *options = &program->options;
	struct core_list allowed;

	core_list_allowed(&allowed);
	if (!options->has_cores && options->workers > allowed.count)
		log_warning("dataplane.main", "more workers than cores: they share cores");
	return core_list_assign(options->has_cores ? &options->cores : NULL, &allowed,
				options->workers, program->core, error, IO_ERROR_TEXT);
}

static bool open_packets(struct program *program, char error[IO_ERROR_TEXT])
{
	struct io_config config = {
	    .argument = program->io_argument,
	    .listen = program->options.listen,
	    .listen_count = program->options.listen_count,
	    .workers = program->options.workers,
	};

	program->io = program->io_class->open(&config, error);
	return program->io != NULL;
}

/* The addresses of a back end that was given none: what it takes by itself, as far as the kernel
 * knows it. */
static void find_addresses(struct program *program)
{
	struct options *options = &program->options;

	if (options->listen_count == 0 && strcmp(program->io_class->name, "af_xdp") == 0)
		options->listen_count =
		    listen_interface(program->io_argument, options->listen, LISTENS_MAX);
}

/* DPDK's addresses need not be the kernel's: there TCP is offered where it can be. */
static bool open_stream(struct program *program, char error[IO_ERROR_TEXT])
{
	const struct options *options = &program->options;
	struct stream_config config = {
	    .listen = options->listen,
	    .listen_count = options->listen_count,
	    .adopt = program->adopt,
	    .worker = options->workers,
	    .core = -1,
	    .clients = options->tcp_clients,
	    .per_client = options->tcp_per_client,
	    .idle = options->tcp_idle,
	};

	if (options->listen_count == 0) {
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

static void describe(struct program *program)
{
	struct dataplane_file *file = adopt_file(program->adopt);
	const struct options *options = &program->options;
	struct worker_counters *stream = &file->worker[options->workers];
	char text[ADDRESS_TEXT];

	stream->core = -1;
	if (program->stream)
		strcpy(stream->io, "stream");
	else
		file->worker_count = options->workers;
	for (unsigned i = 0; i < options->listen_count; i++) {
		address_text(&options->listen[i].address, text);
		snprintf(file->listen[i], sizeof(file->listen[i]), "%.*s",
			 (int)sizeof(file->listen[i]) - 1, text);
	}
	file->listen_count = options->listen_count;
	if (options->listen_count == 0) { /* the back end takes whatever address comes */
		strcpy(file->listen[0], "0.0.0.0:53");
		strcpy(file->listen[1], "[::]:53");
		file->listen_count = 2;
	}
}

bool program_open(struct program *program, const struct options *options,
		  const struct packet_io_class *io_class, const char *io_argument,
		  char error[IO_ERROR_TEXT])
{
	memset(program, 0, sizeof(*program));
	program->options = *options;
	program->io_class = io_class;
	program->io_argument = io_argument;
	if (!idle_settle(&program->options.idle, io_class, error, IO_ERROR_TEXT) ||
	    !account_find(options->user, &program->account, error, IO_ERROR_TEXT) ||
	    !assign_cores(program, error) ||
	    !runtime_dir_make(options->runtime_dir, error, IO_ERROR_TEXT))
		return false;
	program->adopt =
	    adopt_open(options->runtime_dir, options->workers + 1, error, IO_ERROR_TEXT);
	if (!program->adopt || !open_packets(program, error))
		return false;
	find_addresses(program);
	if (!open_stream(program, error))
		return false;
	describe(program);
	/* Everything that needs privileges is open: here root, capabilities and reach of files end.
	 */
	return confine_privileges(&program->account, io_class, program->io, program->adopt, error);
}

static void log_worker(const struct program *program, unsigned index)
{
	log_info("dataplane.worker", "running", LOG_UNSIGNED("worker", index),
		 LOG_NUMBER("core", program->core[index]),
		 LOG_TEXT("io", program->io_class->describe(program->io, index)));
}

bool program_start(struct program *program, char error[IO_ERROR_TEXT])
{
	if (!program->options.seccomp)
		log_warning("dataplane.main", "system calls are not filtered, as --seccomp asks");
	else if (!confine_calls(program->io_class, &program->filters, error))
		return false;
	if (program->stream && !stream_start(program->stream, program->filters.stream, error))
		return false;
	for (unsigned i = 0; i < program->options.workers; i++) {
		struct worker_config config = {
		    .adopt = program->adopt,
		    .io_class = program->io_class,
		    .io = program->io,
		    .index = i,
		    .core = program->core[i],
		    .idle = program->options.idle,
		    .filter = program->filters.worker,
		};

		program->worker[i] = worker_start(&config, error, IO_ERROR_TEXT);
		if (!program->worker[i])
			return false;
		log_worker(program, i);
	}
	return true;
}

void program_stop(struct program *program)
{
	for (unsigned i = 0; i < PACKET_WORKERS_MAX; i++) {
		if (program->worker[i])
			worker_stop(program->worker[i]);
	}
	for (unsigned i = 0; i < PACKET_WORKERS_MAX; i++)
		worker_free(program->worker[i]);
	stream_close(program->stream);
	if (program->io)
		program->io_class->close(program->io);
	if (program->adopt)
		adopt_close(program->adopt);
	confine_filters_free(&program->filters);
}
