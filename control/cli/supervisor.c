#include "control/cli/supervisor.h"

#include "control/cli/commands.h"
#include "control/cli/restart.h"
#include "runtime/log.h"
#include "zones/abi/channel.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAMS_MOST 4u
#define LOOK_EVERY    10 /* milliseconds, while not ready */
#define STOP_WITHIN   10000u
#define STOP_AGAIN    200u /* a second request sooner is the same one, sent to the group, too */
#define PART	      "skua.serve"

/* pid > 0: runs.  pid == 0 and not stopping: starts at `start_at`. */
struct daemon {
	const struct supervised *program;
	pid_t pid;
	uint64_t started, start_at;
	struct restart restart;
};

struct supervisor {
	struct daemon daemon[PROGRAMS_MOST];
	unsigned count;
	const struct supervisor_ready *ready;
	bool is_ready; /* has been, once */
	bool stopping, killed;
	uint64_t stop_asked, stop_by;
	int signal_fd;
	sigset_t before; /* the mask that the daemons get */
	int code;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void become(const struct supervisor *supervisor, const struct supervised *program,
		   pid_t parent)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_GOOD); /* it died before the kernel knew what to do then */
	/* In a group of its own it may be in the terminal's background: a line of log must not stop
	 * it (stty tostop). */
	signal(SIGTTOU, SIG_IGN);
	sigprocmask(SIG_SETMASK, &supervisor->before, NULL);
	execv(program->path, program->argv);
	log_error(PART, "can't start a program; is it installed beside skua?",
		  LOG_TEXT("program", program->path), LOG_TEXT("reason", strerror(errno)));
	_exit(EXIT_WRONG);
}

static void start(struct supervisor *supervisor, struct daemon *daemon)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid == 0)
		become(supervisor, daemon->program, parent);
	daemon->started = now_ms();
	if (pid < 0) {
		log_error(PART, "can't fork", LOG_TEXT("reason", strerror(errno)));
		daemon->start_at = daemon->started + RESTART_SETTLED;
		return;
	}
	daemon->pid = pid;
	daemon->start_at = 0;
}

static void signal_all(struct supervisor *supervisor, int number)
{
	for (unsigned i = 0; i < supervisor->count; i++)
		if (supervisor->daemon[i].pid > 0)
			kill(supervisor->daemon[i].pid, number);
}

static void stop(struct supervisor *supervisor, int code)
{
	if (supervisor->stopping)
		return;
	supervisor->stopping = true;
	supervisor->code = code;
	supervisor->stop_asked = now_ms();
	supervisor->stop_by = supervisor->stop_asked + STOP_WITHIN;
	signal_all(supervisor, SIGTERM);
	signal_all(supervisor, SIGCONT); /* one that was stopped can't end before */
}

static void log_death(const struct daemon *daemon, int status, uint32_t pause)
{
	bool by_signal = WIFSIGNALED(status);

	log_warning(PART, "a daemon died; it is started again",
		    LOG_TEXT("program", daemon->program->name), LOG_UNSIGNED("pid", daemon->pid),
		    LOG_NUMBER(by_signal ? "signal" : "exit_code",
			       by_signal ? WTERMSIG(status) : WEXITSTATUS(status)),
		    LOG_UNSIGNED("pause_ms", pause));
}

/* Any other code but 0 says that it can't run. */
static bool has_refused(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) != 0 &&
	       WEXITSTATUS(status) != DATAPLANE_EXIT_STUCK &&
	       WEXITSTATUS(status) != DATAPLANE_EXIT_INTERFACE;
}

static void died(struct supervisor *supervisor, struct daemon *daemon, int status)
{
	bool refused = has_refused(status);
	uint64_t now = now_ms();
	uint32_t pause;

	if (!supervisor->stopping && refused && !supervisor->is_ready) {
		daemon->pid = 0;
		stop(supervisor, WEXITSTATUS(status)); /* it has said why */
		return;
	}
	if (!supervisor->stopping) {
		pause = restart_pause(&daemon->restart, now - daemon->started, refused);
		log_death(daemon, status, pause);
		daemon->start_at = now + pause;
	}
	daemon->pid = 0;
}

static void reap(struct supervisor *supervisor)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < supervisor->count; i++)
			if (supervisor->daemon[i].pid == pid)
				died(supervisor, &supervisor->daemon[i], status);
}

static void pass_hangup(struct supervisor *supervisor)
{
	for (unsigned i = 0; i < supervisor->count; i++)
		if (supervisor->daemon[i].program->gets_hangup && supervisor->daemon[i].pid > 0)
			kill(supervisor->daemon[i].pid, SIGHUP);
}

static void take_signal(struct supervisor *supervisor, unsigned number)
{
	if (number == SIGCHLD)
		reap(supervisor);
	else if (number == SIGHUP)
		pass_hangup(supervisor);
	else if (supervisor->stopping && now_ms() - supervisor->stop_asked >= STOP_AGAIN)
		supervisor->stop_by = 0; /* asked twice: kills */
	else
		stop(supervisor, EXIT_GOOD);
}

static void start_due(struct supervisor *supervisor)
{
	for (unsigned i = 0; i < supervisor->count; i++) {
		struct daemon *daemon = &supervisor->daemon[i];

		if (daemon->pid == 0 && !supervisor->stopping && daemon->start_at <= now_ms())
			start(supervisor, daemon);
	}
}

static void look_if_ready(struct supervisor *supervisor)
{
	pid_t pids[PROGRAMS_MOST];

	if (supervisor->is_ready || supervisor->stopping)
		return;
	for (unsigned i = 0; i < supervisor->count; i++)
		pids[i] = supervisor->daemon[i].pid;
	if (!supervisor->ready->look(supervisor->ready->context, pids))
		return;
	supervisor->is_ready = true;
	supervisor->ready->tell(supervisor->ready->context);
}

static void kill_if_late(struct supervisor *supervisor)
{
	if (!supervisor->stopping || supervisor->killed || now_ms() < supervisor->stop_by)
		return;
	supervisor->killed = true;
	log_warning(PART, "killing what has not stopped");
	signal_all(supervisor, SIGKILL);
}

/* Milliseconds until something is due; -1: only a signal is. */
static int patience(const struct supervisor *supervisor)
{
	uint64_t now = now_ms(), until = UINT64_MAX;

	if (supervisor->stopping)
		return supervisor->killed || supervisor->stop_by <= now
			   ? LOOK_EVERY
			   : (int)(supervisor->stop_by - now);
	for (unsigned i = 0; i < supervisor->count; i++)
		if (supervisor->daemon[i].pid == 0 && supervisor->daemon[i].start_at < until)
			until = supervisor->daemon[i].start_at;
	if (until <= now)
		return 0;
	if (!supervisor->is_ready && until - now > LOOK_EVERY)
		return LOOK_EVERY;
	return until == UINT64_MAX ? -1 : (int)(until - now);
}

static bool any_runs(const struct supervisor *supervisor)
{
	for (unsigned i = 0; i < supervisor->count; i++)
		if (supervisor->daemon[i].pid > 0)
			return true;
	return false;
}

static void take_signals(struct supervisor *supervisor)
{
	sigset_t set;

	/* Whoever reads our output may end before us (`skua serve | tee log`). */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &supervisor->before);
	supervisor->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void turn(struct supervisor *supervisor)
{
	struct pollfd wait = {.fd = supervisor->signal_fd, .events = POLLIN};
	struct signalfd_siginfo got;

	start_due(supervisor);
	poll(&wait, 1, patience(supervisor));
	while (read(supervisor->signal_fd, &got, sizeof(got)) == sizeof(got))
		take_signal(supervisor, got.ssi_signo);
	look_if_ready(supervisor);
	kill_if_late(supervisor);
}

int supervisor_run(const struct supervised *programs, unsigned count,
		   const struct supervisor_ready *ready)
{
	struct supervisor supervisor = {.count = count, .ready = ready};

	for (unsigned i = 0; i < count && i < PROGRAMS_MOST; i++) {
		supervisor.daemon[i].program = &programs[i];
		programs[i].argv[0] = (char *)(uintptr_t)programs[i].path;
	}
	take_signals(&supervisor);
	do
		turn(&supervisor);
	while (!supervisor.stopping || any_runs(&supervisor));
	close(supervisor.signal_fd);
	sigprocmask(SIG_SETMASK, &supervisor.before, NULL);
	return supervisor.code;
}
