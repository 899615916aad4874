#include "control/cli/dns_client.h"

#include "zones/record/record.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define TRIES	   3
#define WAIT	   2000 /* milliseconds for each */
#define QUERY_MOST 300u
#define EDNS_SIZE  1232u

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Header, question, OPT; behind two octets for TCP's length. */
static size_t make_query(const struct dns_question *question, uint8_t query[QUERY_MOST])
{
	uint8_t *at = query + 2;

	memset(query, 0, QUERY_MOST);
	if (getrandom(at, 2, 0) != 2)
		put_u16(at, (uint16_t)time(NULL));
	put_u16(at + 4, 1);
	put_u16(at + 10, 1);
	at += 12;
	memcpy(at, question->name, question->name_length);
	at += question->name_length;
	put_u16(at, question->type);
	put_u16(at + 2, CLASS_IN);
	at += 4;
	put_u16(at + 1, TYPE_OPT);
	put_u16(at + 3, EDNS_SIZE);
	at[7] = question->dnssec ? 0x80 : 0;
	at += 11;
	put_u16(query, (uint16_t)(at - query - 2));
	return (size_t)(at - query - 2);
}

static int connect_to(const struct address *server, int type)
{
	int fd = socket(server->storage.ss_family, type | SOCK_CLOEXEC, 0);
	struct timeval wait = {.tv_sec = WAIT / 1000};

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, (const struct sockaddr *)&server->storage, server->length) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool is_answer(const struct dns_answer *answer, const uint8_t *query)
{
	return answer->length >= 12 && memcmp(answer->message, query, 2) == 0 &&
	       (answer->message[2] & 0x80) != 0;
}

static bool ask_udp(const struct address *server, const uint8_t *query, size_t length,
		    struct dns_answer *answer)
{
	int fd = connect_to(server, SOCK_DGRAM);
	ssize_t got = -1;

	if (fd < 0)
		return false;
	answer->length = 0;
	if (send(fd, query + 2, length, 0) == (ssize_t)length) {
		do {
			got = recv(fd, answer->message, sizeof(answer->message), 0);
			answer->length = got > 0 ? (size_t)got : 0;
		} while (got >= 0 && !is_answer(answer, query + 2));
	}
	close(fd);
	return got > 0;
}

static bool receive(int fd, uint8_t *to, size_t length)
{
	for (size_t have = 0; have < length;) {
		ssize_t got = recv(fd, to + have, length - have, 0);

		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	return true;
}

static bool ask_tcp(const struct address *server, const uint8_t *query, size_t length,
		    struct dns_answer *answer)
{
	int fd = connect_to(server, SOCK_STREAM);
	uint8_t prefix[2];
	bool good;

	if (fd < 0)
		return false;
	good = send(fd, query, length + 2, MSG_NOSIGNAL) == (ssize_t)length + 2 &&
	       receive(fd, prefix, sizeof(prefix));
	if (good) {
		answer->length = get_u16(prefix);
		good = receive(fd, answer->message, answer->length) && is_answer(answer, query + 2);
	}
	answer->over_tcp = true;
	close(fd);
	return good;
}

bool dns_ask(const struct address *server, const struct dns_question *question,
	     struct dns_answer *answer)
{
	uint8_t query[QUERY_MOST];
	size_t length = make_query(question, query);
	double began = now();
	bool good = false;
	char text[ADDRESS_TEXT];

	answer->over_tcp = false;
	for (int i = 0; i < TRIES && !good; i++) {
		began = now();
		good = question->tcp ? ask_tcp(server, query, length, answer)
				     : ask_udp(server, query, length, answer);
		if (!good && errno == ECONNREFUSED)
			break;
	}
	if (good && !question->tcp && (answer->message[2] & 0x02) != 0)
		good = ask_tcp(server, query, length, answer);
	answer->seconds = now() - began;
	if (!good) {
		int why = errno;

		address_to_text(server, text);
		fprintf(stderr,
			"skua query: no answer from %s: %s; `skua status` tells what runs\n", text,
			why == EAGAIN ? "timed out" : strerror(why));
	}
	return good;
}
