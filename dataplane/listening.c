#include "dataplane/listening.h"

#include "dataplane/io/address.h"
#include "runtime/log.h"

#include <string.h>

#define PART "dataplane.listening"

void listening_start(struct listening *listening, const struct listen_address *listen,
		     unsigned count, const struct packet_io_class *io_class,
		     const struct packet_io *io)
{
	*listening = (struct listening){.count = count};
	for (unsigned i = 0; i < count; i++)
		listening->address[i] = listen[i];
	listening->follows = count == 0 && io_class->addresses != NULL;
	if (!listening->follows)
		return;
	listening->count = io_class->addresses(io, listening->address, STREAM_LISTENS_MAX);
	listening->follows = listening->count != IO_NO_ADDRESSES;
	if (!listening->follows)
		listening->count = 0;
}

void listening_show(const struct listening *listening, struct dataplane_file *file)
{
	uint32_t count = listening->count < LISTENS_MAX ? listening->count : LISTENS_MAX;
	/* The half that is not shown; our own store. */
	uint32_t half = ~atomic_load_explicit(&file->listening, memory_order_relaxed) >> 16 & 1;
	char text[ADDRESS_TEXT];

	for (uint32_t i = 0; i < count; i++) {
		address_text(&listening->address[i].address, text);
		memset(file->listen[half][i], 0, LISTEN_TEXT);
		memcpy(file->listen[half][i], text, strnlen(text, LISTEN_TEXT - 1));
	}
	if (count == 0 && !listening->follows) {
		strcpy(file->listen[half][0], "0.0.0.0:53");
		strcpy(file->listen[half][1], "[::]:53");
		count = 2;
	}
	/* Pairs with dataplane_listens(). */
	atomic_store_explicit(&file->listening, half << 16 | count, memory_order_release);
}

static bool same(const struct listening *listening, const struct listen_address *now,
		 unsigned count)
{
	if (count != listening->count)
		return false;
	for (unsigned i = 0; i < count; i++)
		if (!address_equal(&now[i].address, &listening->address[i].address))
			return false;
	return true;
}

static void log_missing(struct listening *listening, const char *error)
{
	if (strcmp(error, listening->error) == 0)
		return;
	strcpy(listening->error, error);
	if (error[0] != '\0')
		log_error(PART, "no TCP on an address that has come", LOG_TEXT("reason", error));
	else
		log_info(PART, "TCP is offered on all addresses");
}

/* No reason: a socket is still changing hands. */
static bool follow_tcp(struct listening *listening, struct stream *stream)
{
	char error[IO_ERROR_TEXT];
	bool soon;

	listening->missing = stream_follow(stream, listening->address, listening->count, error);
	soon = listening->missing > 0 && error[0] == '\0';
	if (!soon)
		log_missing(listening, error);
	return soon;
}

bool listening_follow(struct listening *listening, const struct packet_io_class *io_class,
		      const struct packet_io *io, struct stream *stream,
		      struct dataplane_file *file)
{
	struct listen_address now[STREAM_LISTENS_MAX];
	unsigned count;

	if (!listening->follows)
		return false;
	count = io_class->addresses(io, now, STREAM_LISTENS_MAX);
	if (!same(listening, now, count)) {
		memcpy(listening->address, now, count * sizeof(now[0]));
		listening->count = count;
		listening_show(listening, file);
		log_info(PART, "the addresses have changed", LOG_UNSIGNED("addresses", count));
	} else if (listening->missing == 0) {
		return false;
	}
	return stream != NULL && follow_tcp(listening, stream);
}
