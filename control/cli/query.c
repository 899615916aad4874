#include "control/cli/arguments.h"
#include "control/cli/commands.h"
#include "control/cli/dns_client.h"
#include "control/cli/runtime_files.h"
#include "control/status/status.h"
#include "zones/name/name.h"
#include "zones/record/record.h"
#include "zones/text/text.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

/* ADDR:PORT, [ADDR6]:PORT, or an address alone, with port 53. */
static bool server_from_text(const char *text, struct address *server)
{
	char with_port[128];

	if (address_from_text(text, server))
		return true;
	snprintf(with_port, sizeof(with_port), "%.100s:53", text);
	if (address_from_text(with_port, server))
		return true;
	snprintf(with_port, sizeof(with_port), "[%.100s]:53", text);
	return address_from_text(with_port, server);
}

/* The first address of the dataplane that runs here. *tcp becomes true where UDP of this very host
 * does not reach it: what the host sends to itself never passes a network card. */
static bool server_from_instance(const char *runtime_dir, struct address *server, bool *tcp)
{
	struct runtime_files files;
	char text[LISTEN_TEXT] = "";

	runtime_files_open(runtime_dir, &files);
	if (files.dataplane != NULL && dataplane_listens(files.dataplane) > 0)
		dataplane_listen(files.dataplane, 0, text);
	if (files.dataplane != NULL && strncmp(files.dataplane->worker[0].io, "socket", 6) != 0)
		*tcp = true;
	runtime_files_close(&files);
	if (!address_from_text(text, server)) {
		fprintf(stderr,
			"skua query: no dataplane runs in %s; start one, or name a server: "
			"@ADDR:PORT\n",
			runtime_dir);
		return false;
	}
	address_make_reachable(server);
	return true;
}

static bool name_from_argument(const char *text, uint8_t *wire, struct dns_question *question)
{
	static const uint8_t root[1] = {0};
	size_t bad_at;
	enum name_error error =
	    name_from_text(text, strlen(text), root, wire, &question->name_length, &bad_at);

	question->name = wire;
	if (error == NAME_OK)
		return true;
	fprintf(stderr, "skua query: \"%s\" is no name: %s\n", text, name_error_text(error));
	return false;
}

/* Sorts the operands into name, type and server. */
static bool understand(const struct arguments *arguments, uint8_t *wire,
		       struct dns_question *question, const char **server)
{
	const char *name = NULL, *type = NULL;

	for (int i = 0; i < arguments->operand_count; i++) {
		const char *operand = arguments->operands[i];

		if (operand[0] == '@')
			*server = operand + 1;
		else if (name == NULL)
			name = operand;
		else if (type == NULL)
			type = operand;
		else
			name = type = ""; /* one too many */
	}
	if (name == NULL || name[0] == '\0') {
		fputs("skua query: wants NAME, perhaps TYPE and @ADDR:PORT; see `skua help "
		      "query`\n",
		      stderr);
		return false;
	}
	question->type = TYPE_A;
	if (type != NULL && strcasecmp(type, "ANY") == 0)
		question->type = 255;
	else if (type != NULL && !type_from_text(type, strlen(type), &question->type)) {
		fprintf(stderr, "skua query: \"%s\" is no record type\n", type);
		return false;
	}
	return name_from_argument(name, wire, question);
}

static int print_answer(const struct dns_answer *answer, const struct address *server)
{
	ldns_pkt *packet = NULL;
	struct timeval received;
	char text[ADDRESS_TEXT];
	ldns_status status = ldns_wire2pkt(&packet, answer->message, answer->length);

	if (status != LDNS_STATUS_OK) {
		fprintf(stderr, "skua query: the answer can't be read: %s\n",
			ldns_get_errorstr_by_id(status));
		return EXIT_WRONG;
	}
	address_to_text(server, text);
	gettimeofday(&received, NULL);
	ldns_pkt_set_timestamp(packet, received);
	ldns_pkt_set_querytime(packet, (uint32_t)(answer->seconds * 1e3));
	ldns_pkt_print(stdout, packet);
	printf(";; %zu octets from %s over %s in %.3f ms\n", answer->length, text,
	       answer->over_tcp ? "TCP" : "UDP", answer->seconds * 1e3);
	ldns_pkt_free(packet);
	return EXIT_GOOD;
}

int command_query(int argc, char **argv)
{
	static const struct argument_flag flags[] = {{"dnssec", 'd'}, {"tcp", 't'}, {NULL, 0}};
	static struct dns_answer answer;
	struct arguments arguments;
	enum arguments_result parsed = arguments_parse(argc, argv, flags, &arguments);
	uint8_t wire[NAME_MAX_OCTETS];
	struct dns_question question = {0};
	const char *server_text = NULL;
	struct address server;

	if (parsed != ARGUMENTS_OK)
		return arguments_exit_code(parsed);
	if (!understand(&arguments, wire, &question, &server_text))
		return EXIT_USAGE;
	question.dnssec = (arguments.flags & 1u) != 0;
	question.tcp = (arguments.flags & 2u) != 0;
	if (server_text != NULL && !server_from_text(server_text, &server)) {
		fprintf(stderr, "skua query: \"%s\" is no address; write ADDR:PORT\n", server_text);
		return EXIT_USAGE;
	}
	if (server_text == NULL &&
	    !server_from_instance(arguments.runtime_dir, &server, &question.tcp))
		return EXIT_WRONG;
	return dns_ask(&server, &question, &answer) ? print_answer(&answer, &server) : EXIT_WRONG;
}
