#include "control/loop/control.h"
#include "control/status/metrics.h"
#include "control/status/status_json.h"

#include <stdlib.h>
#include <string.h>

#define TEXT "text/plain; charset=utf-8"
#define JSON "application/json"

static void reply_text(struct http_request *request, unsigned status, const char *text)
{
	char *body = strdup(text);

	if (body == NULL)
		abort();
	http_reply(request, status, TEXT, body, strlen(body));
}

/* Takes the reference. */
static void reply_json(struct http_request *request, unsigned status, json_t *json)
{
	char *body = json_dumps(json, JSON_COMPACT);

	json_decref(json);
	if (body == NULL)
		abort();
	http_reply(request, status, JSON, body, strlen(body));
}

static void page_index(struct control *control, struct http_request *request)
{
	(void)control;
	reply_text(request, 200,
		   "Skua " SKUA_VERSION "\n"
		   "/metrics  counters and gauges, for Prometheus\n"
		   "/status   programs, zones and workers, as JSON\n"
		   "/ready    200 when the dataplane answers for our zones, else 503\n"
		   "/health   200 while control is alive\n");
}

static void page_health(struct control *control, struct http_request *request)
{
	(void)control;
	reply_json(request, 200, json_pack("{s:b}", "alive", 1));
}

static void page_metrics(struct control *control, struct http_request *request)
{
	struct status status;
	char *body = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&body, &length);

	if (out == NULL)
		abort();
	control_report(control, &status);
	metrics_write(out, &status);
	status_free(&status);
	if (fclose(out) != 0)
		abort();
	http_reply(request, 200, "text/plain; version=0.0.4; charset=utf-8", body, length);
}

static void page_status(struct control *control, struct http_request *request)
{
	struct status status;
	json_t *json;

	control_report(control, &status);
	json = status_to_json(&status);
	status_free(&status);
	reply_json(request, 200, json);
}

static void ready_done(void *context, const char *reason)
{
	struct http_request *request = context;

	if (reason == NULL)
		reply_json(request, 200, json_pack("{s:b,s:[]}", "ready", 1, "reasons"));
	else
		reply_json(request, 503, json_pack("{s:b,s:[s]}", "ready", 0, "reasons", reason));
}

static void page_ready(struct control *control, struct http_request *request)
{
	readiness_ask(control->readiness, ready_done, request);
}

static const struct {
	const char *path;
	void (*page)(struct control *control, struct http_request *request);
} pages[] = {
    {"/", page_index},		{"/health", page_health}, {"/ready", page_ready},
    {"/metrics", page_metrics}, {"/status", page_status},
};

void control_page(void *context, struct http_request *request, const char *method, const char *path)
{
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		reply_text(request, 405, "only GET and HEAD are served here\n");
		return;
	}
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (strcmp(path, pages[i].path) == 0) {
			pages[i].page(context, request);
			return;
		}
	}
	reply_text(request, 404, "no such page; / lists all\n");
}
