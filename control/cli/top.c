#include "control/cli/arguments.h"
#include "control/cli/commands.h"
#include "control/cli/runtime_files.h"
#include "control/status/status.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

struct sample {
	uint32_t pid;
	unsigned workers;
	double at;
	uint64_t count[WORKERS_MAX][COUNTERS];
	char io[WORKERS_MAX][sizeof(((struct worker_counters *)0)->io)];
	uint64_t generation;
};

static volatile sig_atomic_t stop_asked;

static void on_stop(int number)
{
	(void)number;
	stop_asked = 1;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* False: no dataplane runs. */
static bool take(const char *runtime_dir, struct sample *sample)
{
	struct runtime_files files;
	const struct dataplane_file *file;

	runtime_files_open(runtime_dir, &files);
	file = files.dataplane;
	if (file != NULL) {
		sample->pid = file->pid;
		sample->workers = status_workers(file);
		sample->at = now();
		sample->generation =
		    files.channel == NULL
			? 0
			: atomic_load_explicit(&files.channel->generation, memory_order_relaxed);
	}
	for (unsigned i = 0; file != NULL && i < sample->workers; i++) {
		for (enum counter c = 0; c < COUNTERS; c++)
			sample->count[i][c] = status_counter(file, i, c);
		status_text(file->worker[i].io, sizeof(sample->io[i]), sample->io[i]);
	}
	runtime_files_close(&files);
	return file != NULL;
}

static double rate(const struct sample *before, const struct sample *after, unsigned worker,
		   enum counter counter)
{
	uint64_t was = before->pid == after->pid ? before->count[worker][counter] : 0;
	uint64_t is = after->count[worker][counter];

	return is <= was ? 0.0 : (double)(is - was) / (after->at - before->at);
}

static double drop_rate(const struct sample *before, const struct sample *after, unsigned worker)
{
	double sum = 0;

	for (enum counter c = 0; c < COUNTERS; c++)
		if (status_counter_is_drop(c))
			sum += rate(before, after, worker, c);
	return sum;
}

static void print_workers(const struct sample *before, const struct sample *after)
{
	printf("%6s %-44s %12s %12s %12s %12s %12s\n", "WORKER", "BACK END", "QUERIES/S",
	       "ANSWERS/S", "NXDOMAIN/S", "TRUNCATED/S", "DROPS/S");
	for (unsigned i = 0; i < after->workers; i++)
		printf("%6u %-44s %12.0f %12.0f %12.0f %12.0f %12.0f\n", i, after->io[i],
		       rate(before, after, i, COUNT_queries_udp) +
			   rate(before, after, i, COUNT_queries_tcp),
		       rate(before, after, i, COUNT_answers),
		       rate(before, after, i, COUNT_rcode_nxdomain),
		       rate(before, after, i, COUNT_answers_truncated),
		       drop_rate(before, after, i));
}

/* Every counter that moves, over all workers. */
static void print_counters(const struct sample *before, const struct sample *after)
{
	for (enum counter c = 0; c < COUNTERS; c++) {
		double sum = 0;

		for (unsigned i = 0; i < after->workers; i++)
			sum += rate(before, after, i, c);
		if (sum > 0)
			printf("%18s %12.0f/s  %s\n", status_counter_name(c), sum,
			       status_counter_help(c));
	}
}

static void print_screen(const struct sample *before, const struct sample *after, bool clear)
{
	if (clear)
		fputs("\033[H\033[2J", stdout);
	printf("dataplane pid %u, generation %llu%s\n\n", after->pid,
	       (unsigned long long)after->generation, clear ? "   (q ends)" : "");
	print_workers(before, after);
	putchar('\n');
	print_counters(before, after);
	fflush(stdout);
}

/* A second, or until the user wants to end. */
static bool wait_for_user(bool interactive)
{
	struct pollfd wait = {.fd = interactive ? STDIN_FILENO : -1, .events = POLLIN};
	char key = 0;

	if (poll(&wait, 1, 1000) > 0 && read(STDIN_FILENO, &key, 1) <= 0)
		return true;
	return key == 'q' || key == 'Q' || stop_asked;
}

static int run(const char *runtime_dir, bool once, bool interactive)
{
	static struct sample samples[2];
	unsigned newest = 0;

	if (!take(runtime_dir, &samples[0])) {
		fprintf(stderr,
			"skua top: no dataplane runs in %s; start one, or name another "
			"directory with --runtime-dir\n",
			runtime_dir);
		return EXIT_WRONG;
	}
	while (!wait_for_user(interactive)) {
		newest = 1 - newest;
		if (!take(runtime_dir, &samples[newest])) {
			puts("the dataplane is not running; waiting for it");
			newest = 1 - newest;
			if (once)
				return EXIT_WRONG;
			continue;
		}
		print_screen(&samples[1 - newest], &samples[newest], interactive);
		if (once)
			break;
	}
	return EXIT_GOOD;
}

int command_top(int argc, char **argv)
{
	static const struct argument_flag flags[] = {{"once", '1'}, {NULL, 0}};
	struct arguments arguments;
	enum arguments_result parsed = arguments_parse(argc, argv, flags, &arguments);
	bool once = (arguments.flags & 1u) != 0;
	bool interactive = !once && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	struct termios before, raw;
	int status;

	if (parsed != ARGUMENTS_OK)
		return arguments_exit_code(parsed);
	signal(SIGINT, on_stop);
	signal(SIGTERM, on_stop);
	if (interactive && tcgetattr(STDIN_FILENO, &before) == 0) {
		raw = before;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	status = run(arguments.runtime_dir, once, interactive);
	if (interactive)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	return status;
}
