/* main.c: skua-dataplane: starts the parts, follows control and signals until told to stop. */
#include "dataplane/confine/privilege.h"
#include "dataplane/guard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum exit_status { EXIT_GOOD = 0, EXIT_ENVIRONMENT = 1, EXIT_USAGE = 2 };

/* Milliseconds between two looks at the channel. Its root word changes without an event, so after
 * an arena has appeared we look often until its first root is there; but not for ever, since a
 * control that died meanwhile never publishes one. */
#define LOOK_OFTEN     1
#define LOOK_SELDOM    50
#define LOOK_OFTEN_FOR 60000

struct follower {
	struct program *program;
	int signal_fd;
	struct guard guard;
	int64_t often_until; /* milliseconds of CLOCK_MONOTONIC; 0: nothing is expected */
	bool surroundings;   /* of the back end have changed */
	uint64_t mapped;     /* newest arena, as we saw it last */
	bool answering;
	bool said_waiting;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void look_for_arena(struct follower *follower)
{
	struct dataplane_file *file = adopt_file(follower->program->adopt);
	const char *refused = NULL;
	bool answering = adopt_poll(follower->program->adopt, &refused);
	uint64_t mapped = atomic_load_explicit(&file->mapped_arena, memory_order_relaxed);

	if (refused)
		log_error("dataplane.adopt", "image refused", LOG_TEXT("reason", refused));
	if (answering && mapped != follower->mapped) {
		follower->mapped = mapped;
		follower->often_until = 0;
		log_info("dataplane.main", follower->answering ? "following control" : "answering",
			 LOG_UNSIGNED("arena", mapped));
	}
	if (answering)
		follower->answering = true;
	else if (!follower->said_waiting)
		log_info("dataplane.main", "waiting for control",
			 LOG_TEXT("runtime_dir", follower->program->options.runtime_dir));
	follower->said_waiting = true;
}

/* Returns true when a signal asks us to stop. */
static bool wait_for_event(struct follower *follower)
{
	struct pollfd wait[3] = {
	    {.fd = follower->signal_fd, .events = POLLIN},
	    {.fd = adopt_event_fd(follower->program->adopt), .events = POLLIN},
	    {.fd = -1, .events = POLLIN},
	};
	int64_t now = now_ms();
	/* Without inotify only looking tells. */
	bool often = now < follower->often_until || wait[1].fd < 0;
	struct signalfd_siginfo got;

	wait[2].fd = guard_event_fd(&follower->guard, now);
	follower->surroundings = false;
	if (poll(wait, 3, often ? LOOK_OFTEN : LOOK_SELDOM) <= 0)
		return false;
	follower->surroundings = wait[2].revents != 0;
	if (wait[1].revents)
		follower->often_until = now + LOOK_OFTEN_FOR;
	if (!wait[0].revents || read(follower->signal_fd, &got, sizeof(got)) != sizeof(got))
		return false;
	log_info("dataplane.main", "stopping",
		 LOG_TEXT("signal", sigabbrev_np((int)got.ssi_signo)));
	return true;
}

/* Blocked before the first thread exists, so that only signal_fd hears of them. */
static int take_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int fail(enum exit_status status, const char *error)
{
	log_error("dataplane.main", error);
	return status;
}

static int run(struct program *program, int signal_fd, char error[IO_ERROR_TEXT])
{
	struct follower follower = {.program = program, .signal_fd = signal_fd};

	/* Before the threads start: then their first look finds an image that is there already. */
	look_for_arena(&follower);
	if (!program_start(program, error))
		return EXIT_ENVIRONMENT;
	guard_start(&follower.guard, program);
	while (!wait_for_event(&follower)) {
		look_for_arena(&follower);
		guard_look(&follower.guard, follower.surroundings, now_ms());
	}
	guard_stop(&follower.guard);
	return EXIT_GOOD;
}

int main(int argc, char **argv)
{
	static struct options options;
	static struct program program;
	const struct packet_io_class *io_class;
	const char *io_argument;
	char error[IO_ERROR_TEXT] = "";
	int signal_fd, status = EXIT_ENVIRONMENT;

	switch (options_parse(argc, argv, &options, error)) {
	case OPTIONS_DONE:
		return EXIT_GOOD;
	case OPTIONS_BAD:
		return fail(EXIT_USAGE, error);
	case OPTIONS_RUN:
		break;
	}
	log_set_level(options.log_level);
	io_class = packet_io_find(options.io, &io_argument, error);
	if (!io_class)
		return fail(EXIT_USAGE, error);
	signal_fd = take_signals();
	if (signal_fd < 0 || !privilege_no_new())
		return fail(EXIT_ENVIRONMENT, strerror(errno));
	if (program_open(&program, &options, io_class, io_argument, error))
		status = run(&program, signal_fd, error);
	program_stop(&program);
	if (status != EXIT_GOOD)
		fail(EXIT_ENVIRONMENT, error);
	return status;
}
