#include "control/source/zone_files_private.h"

#include "runtime/log.h"
#include "control/source/directory_watch.h"
#include "control/source/first_reading.h"
#include "control/store/last_good.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A file that changed while it was being read is looked at again after so many milliseconds. */
#define FRESH_AGAIN 50u
/* A zone that could not be taken out of the image is tried again after so many. */
#define TAKE_AGAIN 1000u
/* All files are looked at so often even if no event came: a symbolic link further up was changed,
 * the file lies on a network, or there were no watches left. */
#define LOOK_ANYWAY 3000u
/* Nanoseconds after closing in which more versions are still saved. */
#define SAVE_AT_CLOSE 5000000000ull

static void read_start(struct zone_file *file);
static void save_next(struct zone_files *files);

const char *zone_file_state_text(enum zone_file_state state)
{
	static const char *const text[] = {"unread", "good", "stale", "bad", "last good"};

	return text[state];
}

struct zone_files *zone_files_new(uv_loop_t *loop, const struct zone_files_handler *handler,
				  void *context)
{
	struct zone_files *files = calloc(1, sizeof(*files));

	if (files == NULL)
		abort();
	files->loop = loop;
	files->handler = *handler;
	files->context = context;
	return files;
}

/* Where a path in a view stands in the list, or would. */
static size_t list_position(const struct zone_files *files, const char *path, unsigned view,
			    bool *found)
{
	size_t low = 0, high = files->count;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct zone_file *file = files->list[middle];
		int order = strcmp(file->source.path, path);

		if (order == 0)
			order = (int)file->terms.view - (int)view;
		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct zone_file *list_insert(struct zone_files *files, size_t at,
				     const struct zone_source *source, struct zone_terms terms)
{
	struct zone_file *file = calloc(1, sizeof(*file));
	struct zone_file **list = realloc(files->list, (files->count + 1) * sizeof(*list));

	if (file == NULL || list == NULL)
		abort();
	files->list = list;
	memmove(list + at + 1, list + at, (files->count - at) * sizeof(*list));
	list[at] = file;
	files->count++;
	file->owner = files;
	file->source = *source;
	file->terms = terms;
	file->source.path = strdup(source->path);
	if (file->source.path == NULL)
		abort();
	return file;
}

static void file_free(struct zone_file *file)
{
	zone_reading_free(&file->last);
	free(file->error);
	free(file->source.path);
	free(file);
}

/* Takes in what a list of sources names; files that are known stay as they are. */
static void take_sources(struct zone_files *files, const struct zone_sources *sources,
			 struct zone_terms terms, bool named)
{
	for (size_t i = 0; i < sources->count; i++) {
		bool found;
		size_t at = list_position(files, sources->list[i].path, terms.view, &found);
		struct zone_file *file =
		    found ? files->list[at] : list_insert(files, at, &sources->list[i], terms);

		file->scan = files->scan;
		file->named |= named;
		if (!found && files->watch != NULL)
			log_info("control.zone", "new file", LOG_TEXT("file", file->source.path));
	}
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void show_refusal(void *context, enum severity severity, const char *line)
{
	(void)context;
	(void)severity;
	log_error("control.zone", line);
}

bool zone_files_add(struct zone_files *files, const char *argument, struct zone_terms terms)
{
	struct zone_sources sources = {0};
	struct diagnostics all;
	bool directory = is_directory(argument);
	bool good;

	diagnostics_init(&all, show_refusal, NULL);
	good = zone_sources_add(&sources, argument, &all);
	diagnostics_finish(&all);
	diagnostics_free(&all);
	if (directory) /* one file in it that is no file does not stop the others */
		good = sources.count > 0;
	if (good && directory) {
		struct zone_directory *grown =
		    realloc(files->directories, (files->directory_count + 1) * sizeof(*grown));
		char *path = strdup(argument);

		if (grown == NULL || path == NULL)
			abort();
		grown[files->directory_count++] =
		    (struct zone_directory){.path = path, .terms = terms};
		files->directories = grown;
	}
	if (good)
		take_sources(files, &sources, terms, !directory);
	zone_sources_free(&sources);
	return good;
}

size_t zone_files_read_first(struct zone_files *files, unsigned threads)
{
	size_t served = 0;

	first_reading(files->list, files->count, threads);
	for (size_t i = 0; i < files->count; i++) {
		struct zone_file *file = files->list[i];
		bool bad = file->last.zone == NULL;

		version_bring_in_force(file);
		if (bad && files->state_dir != NULL)
			version_bring_saved(file);
		served += file->has_apex;
	}
	return served;
}

void zone_files_keep(struct zone_files *files, const char *state_dir)
{
	files->state_dir = state_dir;
}

static void list_remove(struct zone_files *files, struct zone_file *file)
{
	bool found;
	size_t at = list_position(files, file->source.path, file->terms.view, &found);

	files->count--;
	memmove(files->list + at, files->list + at + 1, (files->count - at) * sizeof(*files->list));
	file_free(file);
}

/* A zone that was refused because another file had its apex may be good now. */
static void retry_bad(struct zone_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		if (files->list[i]->state != ZONE_FILE_UNREAD &&
		    files->list[i]->state != ZONE_FILE_GOOD)
			read_start(files->list[i]);
}

static void take_out(struct zone_file *file)
{
	struct zone_files *files = file->owner;
	bool served = file->has_apex;

	if (served && !files->handler.take(files->context, file)) {
		file->state = ZONE_FILE_STALE;
		version_note_error(file, "the file is gone, but its zone can't be removed yet");
		directory_watch_later(files->watch, TAKE_AGAIN);
		return;
	}
	if (files->state_dir != NULL)
		last_good_forget(files->state_dir, file->source.path);
	list_remove(files, file);
	if (served)
		retry_bad(files);
}

static void watch_files_of(struct zone_files *files, const struct zone_file *file)
{
	for (size_t i = 0; i < file->last.file_count; i++)
		directory_watch_add_file(files->watch, file->last.files[i].path);
	if (zone_reading_is_fresh(&file->last))
		directory_watch_later(files->watch, FRESH_AGAIN);
}

/* In a thread of the pool. */
static void save_work(uv_work_t *work)
{
	struct zone_file *file = work->data;
	bool good =
	    last_good_save(file->owner->state_dir, file->source.path, file->mark, file->kept);

	file->save_error = good ? 0 : errno;
}

static void save_done(uv_work_t *work, int status)
{
	struct zone_file *file = work->data;
	struct zone_files *files = file->owner;

	(void)status;
	file->busy = false;
	files->saving = false;
	if (file->save_error != 0)
		log_warning("control.zone", "can't keep this version for the next start",
			    LOG_TEXT("file", file->source.path),
			    LOG_TEXT("reason", strerror(file->save_error)));
	if (file->gone && !files->closing)
		take_out(file);
	else if (file->again && !files->closing)
		read_start(file);
	save_next(files);
}

/* One at a time: a file may be served in several views, and disks like it. */
static void save_next(struct zone_files *files)
{
	if (files->closing && uv_hrtime() - files->closed > SAVE_AT_CLOSE)
		return;
	for (size_t i = 0; i < files->count && !files->saving; i++) {
		struct zone_file *file = files->list[i];

		if (!file->unsaved || file->busy)
			continue;
		file->unsaved = false;
		file->kept = files->handler.zone_of(files->context, file);
		if (file->kept == NULL)
			continue;
		file->busy = files->saving = true;
		file->work.data = file;
		uv_queue_work(files->loop, &file->work, save_work, save_done);
	}
}

/* In a thread of the pool. */
static void read_work(uv_work_t *work)
{
	struct zone_file *file = work->data;

	zone_reading_do(&file->source, &file->next);
	zone_reading_compare(&file->next, file->in_force);
}

static void read_done(uv_work_t *work, int status)
{
	struct zone_file *file = work->data;
	struct zone_files *files = file->owner;

	(void)status;
	file->busy = false;
	zone_reading_free(&file->last);
	file->last = file->next;
	memset(&file->next, 0, sizeof(file->next));
	if (files->closing)
		return;
	if (file->gone) {
		take_out(file);
		save_next(files);
		return;
	}
	version_bring_in_force(file);
	watch_files_of(files, file);
	if (file->again)
		read_start(file);
	save_next(files);
}

static void read_start(struct zone_file *file)
{
	struct zone_files *files = file->owner;

	if (file->busy) {
		file->again = true;
		return;
	}
	file->again = false;
	file->busy = true;
	/* It stays as it is until this reading is done: only what comes of it changes that. */
	file->in_force = file->has_apex ? files->handler.zone_of(files->context, file) : NULL;
	file->work.data = file;
	uv_queue_work(files->loop, &file->work, read_work, read_done);
}

static void scan_directory(struct zone_files *files, struct zone_directory *directory)
{
	struct zone_sources sources = {0};
	struct diagnostics all;
	bool missing = !is_directory(directory->path);

	directory_watch_add(files->watch, directory->path);
	if (missing && !directory->missing)
		log_error("control.zone", "the directory is gone; its zones stay as they are",
			  LOG_TEXT("directory", directory->path));
	directory->missing = missing;
	if (missing)
		return;
	diagnostics_init(&all, NULL, NULL); /* an empty directory is no error here */
	zone_sources_add(&sources, directory->path, &all);
	take_sources(files, &sources, directory->terms, false);
	zone_sources_free(&sources);
	diagnostics_free(&all);
}

/* Only a file that is surely not there any more takes its zone along: not one that can't be read,
 * or whose directory can't be seen. */
static bool has_left(const char *path)
{
	struct stat at;
	char directory[PATH_MAX];

	if (lstat(path, &at) == 0 || errno != ENOENT)
		return false;
	directory_of_file(path, directory);
	return is_directory(directory);
}

static void drop_missing(struct zone_files *files)
{
	for (size_t i = files->count; i-- > 0;) {
		struct zone_file *file = files->list[i];

		if (file->named || file->scan == files->scan || !has_left(file->source.path))
			continue;
		if (!file->gone)
			log_info("control.zone", "file is gone",
				 LOG_TEXT("file", file->source.path));
		file->gone = true;
		if (!file->busy)
			take_out(file);
	}
}

/* Reads the file if there is a reason to. A file that is being written is left until it has had a
 * rest: half a zone may well be without errors. */
static void look_at(struct zone_files *files, struct zone_file *file, bool all)
{
	bool returned = file->gone && file->scan == files->scan;
	bool unread = file->state == ZONE_FILE_UNREAD && !file->busy;

	if (returned)
		file->gone = false;
	for (size_t i = 0; i < file->last.file_count; i++)
		directory_watch_add_file(files->watch, file->last.files[i].path);
	if (file->gone || (!returned && !unread && !all && !zone_reading_is_old(&file->last)))
		return;
	if (!all && zone_reading_is_changing(&file->last, file->source.path))
		directory_watch_later(files->watch, FRESH_AGAIN);
	else
		read_start(file);
}

static void scan(struct zone_files *files, bool all)
{
	files->scan++;
	for (size_t i = 0; i < files->directory_count; i++)
		scan_directory(files, &files->directories[i]);
	drop_missing(files);
	for (size_t i = 0; i < files->count; i++)
		look_at(files, files->list[i], all);
	directory_watch_later(files->watch, LOOK_ANYWAY);
}

static void on_change(void *context)
{
	scan(context, false);
}

bool zone_files_watch(struct zone_files *files, char *error, size_t error_size)
{
	files->watch = directory_watch_open(files->loop, on_change, files, error, error_size);
	if (files->watch == NULL)
		return false;
	for (size_t i = 0; i < files->directory_count; i++)
		directory_watch_add(files->watch, files->directories[i].path);
	for (size_t i = 0; i < files->count; i++)
		watch_files_of(files, files->list[i]);
	/* What changed between reading and watching shows in the stamps. */
	directory_watch_later(files->watch, 0);
	save_next(files);
	return true;
}

void zone_files_reload(struct zone_files *files)
{
	scan(files, true);
}

size_t zone_files_count(const struct zone_files *files)
{
	return files->count;
}

const struct zone_file *zone_files_at(const struct zone_files *files, size_t index)
{
	return files->list[index];
}

void zone_files_close(struct zone_files *files)
{
	files->closing = true;
	files->closed = uv_hrtime();
	directory_watch_close(files->watch);
	files->watch = NULL;
}

void zone_files_free(struct zone_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		file_free(files->list[i]);
	for (size_t i = 0; i < files->directory_count; i++)
		free(files->directories[i].path);
	free(files->directories);
	free(files->list);
	free(files);
}
