#include "control/cli/help.h"

#include "control/config/options.h"

#include <stdio.h>
#include <string.h>

static const char overview[] =
    "Usage: skua COMMAND [OPTION]... [ARGUMENT]...\n"
    "\n"
    "Skua answers DNS from an image in shared memory: control reads zones and publishes them,\n"
    "the dataplane answers. This program starts both, checks zones and shows what is going on.\n"
    "\n"
    "Commands:\n"
    "  serve [ZONE]...    start control and dataplane together, in the foreground\n"
    "  check ZONE...      report every problem in zone files\n"
    "  compile ZONE...    write an image file, and say how large it is and how long it took\n"
    "  status             what runs, which zones are loaded, what the workers have done\n"
    "  top                rates of queries, answers and drops, refreshed every second\n"
    "  query NAME [TYPE]  ask the running instance\n"
    "  help [COMMAND]     this, or the manual of one command; `help config` for skua.yaml\n"
    "  version            print the version\n"
    "\n"
    "A ZONE is FILE, ORIGIN=FILE, or a directory (every *.zone in it), then ,view=NAME and\n"
    ",allow=ITEM if it is for some clients only.\n"
    "See also: skua-control --help, skua-dataplane --help, for the two apart.\n"
    "\n"
    "Exit codes: 0 good; 1 the input or the host is wrong (the message says what to do);\n"
    "2 wrong usage.\n"
    "\n"
    "Examples:\n"
    "  skua serve zones/examples\n"
    "  skua query nrf.5gc.mnc001.mcc001.3gppnetwork.org A\n"
    "  skua check --strict /etc/skua/zones\n";

static const char serve_head[] =
    "Usage: skua serve [OPTION]... [ZONE]...\n"
    "\n"
    "Starts skua-control and skua-dataplane from the directory of this program, and stops both\n"
    "on Ctrl-C. Prints one line when queries are answered. A daemon that dies is started again\n"
    "at once; one that keeps dying, with growing pauses. While control is away the dataplane\n"
    "answers on. If one can't start, the other is stopped, too.\n"
    "\n"
    "A ZONE is FILE, ORIGIN=FILE, or a directory (every *.zone in it), then ,view=NAME and\n"
    ",allow=ITEM if it is for some clients only. Files are followed: a\n"
    "change is answered within milliseconds, and a file with errors keeps its last good version.\n"
    "\n"
    "Options:\n";

static const char serve_tail[] =
    "\n"
    "The runtime directory is /run/skua for root where /run is in memory, else\n"
    "$XDG_RUNTIME_DIR/skua, else /dev/shm/skua-UID.\n"
    "\n"
    "Signals:\n"
    "  INT, TERM  stop both; a second one kills\n"
    "  HUP        read all zones again, and the files that settings name: lists of prefixes,\n"
    "             cookie secrets. Settings, skua.yaml too, are read at the start only\n"
    "\n"
    "Exit codes: 0 stopped by a signal; 1 a daemon could not start (its message stands above);\n"
    "2 wrong usage.\n"
    "\n"
    "Examples:\n"
    "  skua serve zones/examples\n"
    "  skua serve --listen 192.0.2.53:53 --workers 2 --cores 2,3 /etc/skua/zones\n"
    "  skua serve --io af_xdp:eth0 /etc/skua/zones\n"
    "  skua serve --config /etc/skua/skua.yaml\n";

static const char check[] =
    "Usage: skua check [--strict] ZONE...\n"
    "\n"
    "Reads zones as `serve` would, and reports every problem as file:line:column: what is wrong,\n"
    "and what to do. Prints a summary of each zone that has no error. Needs no running instance.\n"
    "\n"
    "Options:\n"
    "  -s, --strict\n"
    "        Warnings make the check fail, too\n"
    "  -a, --all\n"
    "        Show every problem; else at most 100 errors and 100 warnings of a zone\n"
    "  -h, --help\n"
    "        Print this and exit\n"
    "\n"
    "Errors: syntax, no SOA or several, no NS, CNAME beside other data, records out of zone, an\n"
    "RRset of more than 64 KiB, a name of more than 256 KiB.\n"
    "Warnings: mixed TTLs in an RRset, missing glue, targets inside the zone that do not exist,\n"
    "a mobile network code that is not padded to three digits under 3gppnetwork.org; in signed\n"
    "zones missing, expired and unfitting signatures, and broken NSEC or NSEC3 chains (without\n"
    "--all ten of a kind). The cryptography is not checked: dnssec-verify does that.\n"
    "\n"
    "Exit codes: 0 no error; 1 errors (or warnings with --strict); 2 wrong usage.\n"
    "\n"
    "Examples:\n"
    "  skua check zones/examples\n"
    "  skua check --strict example.org=/etc/skua/zones/example.org.signed\n";

static const char compile[] =
    "Usage: skua compile ZONE... -o FILE\n"
    "\n"
    "Compiles zones into an image file, as control would publish it, and prints names, octets,\n"
    "the reference of the root, and time. For checks and benchmarks without a running instance.\n"
    "The file is sparse: it takes the octets printed, whatever size it shows.\n"
    "\n"
    "Options:\n"
    "  -o, --output FILE\n"
    "        The image; an existing file is replaced when all is well\n"
    "  -h, --help\n"
    "        Print this and exit\n"
    "\n"
    "Exit codes: 0 written; 1 errors in a zone, or FILE can't be written; 2 wrong usage.\n"
    "\n"
    "Example:\n"
    "  skua compile /etc/skua/zones -o /tmp/zones.image\n";

static const char status[] =
    "Usage: skua status [--json] [--runtime-dir DIR] [--config FILE]\n"
    "\n"
    "Shows the programs of an instance, the generation that is published, zones with serial and\n"
    "records, and workers with queries, answers and drops. Without control it shows what the\n"
    "files in the runtime directory tell.\n"
    "\n"
    "Options:\n"
    "  -j, --json\n"
    "        Print JSON instead of tables\n"
    "  -r, --runtime-dir DIR\n"
    "        Of the instance; default as for serve\n"
    "  -c, --config FILE\n"
    "        Take the runtime directory from this skua.yaml\n"
    "  -h, --help\n"
    "        Print this and exit\n"
    "\n"
    "Files:\n"
    "  <runtime-dir>/control.sock, channel, dataplane\n"
    "\n"
    "Exit codes: 0 both programs run and queries are answered; 1 not so, and why; 2 wrong usage.\n"
    "\n"
    "Example:\n"
    "  skua status --json | jq .workers\n";

static const char top[] =
    "Usage: skua top [--once] [--runtime-dir DIR] [--config FILE]\n"
    "\n"
    "Shows rates per worker, refreshed every second: queries, answers, answer codes, drops.\n"
    "Reads the workers' counters in the runtime directory, so it works without control, too.\n"
    "\n"
    "Options:\n"
    "  -1, --once\n"
    "        Measure for a second, print, and exit\n"
    "  -r, --runtime-dir DIR\n"
    "        Of the instance; default as for serve\n"
    "  -c, --config FILE\n"
    "        Take the runtime directory from this skua.yaml\n"
    "  -h, --help\n"
    "        Print this and exit\n"
    "\n"
    "Keys: q or Ctrl-C ends.\n"
    "\n"
    "Exit codes: 0 ended by the user; 1 no dataplane runs; 2 wrong usage.\n"
    "\n"
    "Example:\n"
    "  skua top --once\n";

static const char query[] =
    "Usage: skua query NAME [TYPE] [@ADDR:PORT] [OPTION]...\n"
    "\n"
    "Asks the running instance and prints the reply. The address is the first one that its\n"
    "dataplane listens on. A truncated answer is asked for again over TCP. With AF_XDP and DPDK\n"
    "the host's own UDP does not come by, so TCP is used unless @ADDR:PORT is given.\n"
    "\n"
    "  NAME         absolute; the final dot may be left out\n"
    "  TYPE         A, AAAA, NAPTR, SRV, ... or TYPEnnn [A]\n"
    "  @ADDR:PORT   another server; port 53 if it is left out\n"
    "\n"
    "Options:\n"
    "  -d, --dnssec\n"
    "        Ask for signatures (EDNS DO)\n"
    "  -t, --tcp\n"
    "        Ask over TCP\n"
    "  -r, --runtime-dir DIR\n"
    "        Of the instance; default as for serve\n"
    "  -c, --config FILE\n"
    "        Take the runtime directory from this skua.yaml\n"
    "  -h, --help\n"
    "        Print this and exit\n"
    "\n"
    "Exit codes: 0 an answer came, whatever it says; 1 none came; 2 wrong usage.\n"
    "\n"
    "Examples:\n"
    "  skua query internet.apn.epc.mnc001.mcc001.3gppnetwork.org NAPTR\n"
    "  skua query example.org SOA @192.0.2.53:53 --dnssec\n";

static const char config_head[] =
    "skua.yaml: settings of an instance, given with --config FILE. Every key is optional, and an\n"
    "option on the command line overrides it. ${VARIABLE} stands for a variable of the\n"
    "environment, ${VARIABLE:-DEFAULT} has a default, and $$ is a plain $. Read at the start.\n"
    "\n"
    "Keys:\n";

static const char config_tail[] =
    "\n"
    "acl, listen, rate_limit_exempt, views and zones take a list. Items may be given in parts:\n"
    "  zones  {file: PATH, origin: NAME, view: NAME, allow: [ITEM, ...]}\n"
    "  acl    {name: NAME, prefixes: [ITEM, ...], file: PATH}\n"
    "  views  {name: NAME, clients: [ITEM, ...], file: PATH, ecs: BOOL}\n"
    "YAML wants quotes around values in brackets that hold braces or colons: [\"${ZONES}\"].\n"
    "\n"
    "Example:\n"
    "  listen: [192.0.2.53:53, \"[2001:db8::53]:53\"]\n"
    "  io: af_xdp:eth0\n"
    "  workers: 2\n"
    "  zones:\n"
    "    - /etc/skua/zones\n"
    "    - {origin: example.org, file: /srv/zones/example.org.signed}\n";

static void help_serve(void)
{
	fputs(serve_head, stdout);
	options_print(stdout, PROGRAM_BOTH);
	fputs(serve_tail, stdout);
}

static void help_config(void)
{
	fputs(config_head, stdout);
	options_print_keys(stdout);
	fputs(config_tail, stdout);
}

void help_overview(void)
{
	fputs(overview, stdout);
}

bool help_topic(const char *topic)
{
	static const struct {
		const char *name, *text;
		void (*print)(void);
	} topics[] = {
	    {"serve", NULL, help_serve},   {"check", check, NULL}, {"compile", compile, NULL},
	    {"status", status, NULL},	   {"top", top, NULL},	   {"query", query, NULL},
	    {"config", NULL, help_config},
	};

	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		if (strcmp(topic, topics[i].name) != 0)
			continue;
		if (topics[i].print != NULL)
			topics[i].print();
		else
			fputs(topics[i].text, stdout);
		return true;
	}
	return false;
}
