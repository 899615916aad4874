#include "control/store/last_good.h"

#include "zones/name/name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNFINISHED    ".new"
#define BASENAME_MOST 200
#define MARK_DIGITS   16

/* FNV-1a: only tells paths apart. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3ull;
	return hash;
}

static uint64_t hash_of(const char *zone_file)
{
	uint64_t hash = 0xcbf29ce484222325ull;
	char folder[PATH_MAX];

	if (*zone_file != '/' && getcwd(folder, sizeof(folder)) != NULL)
		hash = hash_text(hash_text(hash, folder), "/");
	return hash_text(hash, zone_file);
}

bool last_good_path(const char *state_dir, const char *zone_file, char path[PATH_MAX])
{
	const char *slash = strrchr(zone_file, '/');
	int length =
	    snprintf(path, PATH_MAX, "%s/%.*s.%016llx", state_dir, BASENAME_MOST,
		     slash != NULL ? slash + 1 : zone_file, (unsigned long long)hash_of(zone_file));

	return length > 0 && length < PATH_MAX;
}

static void sweep(const char *state_dir)
{
	DIR *directory = opendir(state_dir);
	const struct dirent *entry;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		size_t length = strlen(entry->d_name);

		if (length > sizeof(UNFINISHED) &&
		    strcmp(entry->d_name + length + 1 - sizeof(UNFINISHED), UNFINISHED) == 0)
			unlinkat(dirfd(directory), entry->d_name, 0);
	}
	if (directory != NULL)
		closedir(directory);
}

bool last_good_open(const char *state_dir, char *error, size_t error_size)
{
	struct stat at;

	if (mkdir(state_dir, 0750) != 0 && errno != EEXIST)
		snprintf(error, error_size,
			 "%s: can't make the state directory: %s; choose one with --state-dir",
			 state_dir, strerror(errno));
	else if (stat(state_dir, &at) != 0 || !S_ISDIR(at.st_mode))
		snprintf(error, error_size, "%s: is no directory; choose another --state-dir",
			 state_dir);
	else if (access(state_dir, R_OK | W_OK | X_OK) != 0)
		snprintf(error, error_size,
			 "%s: can't write to the state directory: %s; choose one with --state-dir",
			 state_dir, strerror(errno));
	else {
		sweep(state_dir);
		return true;
	}
	return false;
}

static bool has_mark(const char *path, uint64_t mark)
{
	char wanted[MARK_DIGITS + 4], found[MARK_DIGITS + 3];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool same;

	if (fd < 0)
		return false;
	snprintf(wanted, sizeof(wanted), "; %016llx ", (unsigned long long)mark);
	same = read(fd, found, sizeof(found)) == sizeof(found) &&
	       memcmp(found, wanted, sizeof(found)) == 0;
	close(fd);
	return same;
}

static void write_head(FILE *out, const char *zone_file, uint64_t mark)
{
	fprintf(out, "; %016llx last good version of ", (unsigned long long)mark);
	for (const char *at = zone_file; *at != '\0'; at++)
		fputc((uint8_t)*at < ' ' || *at == 127 ? '?' : *at, out);
	fputc('\n', out);
}

static void write_hexadecimal(FILE *out, const uint8_t *octets, uint16_t length)
{
	static const char digits[] = "0123456789abcdef";

	for (uint16_t i = 0; i < length; i++) {
		putc_unlocked(digits[octets[i] >> 4], out);
		putc_unlocked(digits[octets[i] & 15], out);
	}
}

static void write_rrset(FILE *out, const char *owner, const struct rrset_view *view)
{
	const uint8_t *rdata;
	uint16_t length;
	uint32_t at = 0;

	while (rrset_record_next(view, &at, &rdata, &length)) {
		fprintf(out, "%s %u IN TYPE%u \\# %u ", owner, view->ttl, view->type, length);
		write_hexadecimal(out, rdata, length);
		putc_unlocked('\n', out);
	}
}

static void write_records(FILE *out, const struct zone *zone)
{
	for (zone_name name = ZONE_APEX; name != ZONE_NO_NAME; name = zone_next(zone, name)) {
		uint8_t owner[NAME_MAX_OCTETS];
		char text[NAME_MAX_TEXT];
		struct rrset_view view;
		uint32_t at = 0;

		zone_owner(zone, name, owner);
		name_to_text(owner, text);
		while (zone_rrset_next(zone, name, &at, &view))
			write_rrset(out, text, &view);
	}
}

/* On disk, or false with errno. */
static bool finish(FILE *out)
{
	bool good = fflush(out) == 0 && !ferror(out) && fsync(fileno(out)) == 0;
	int saved = errno;

	if (fclose(out) != 0 && good)
		return false;
	errno = saved;
	return good;
}

static bool write_whole(const char *path, const char *zone_file, uint64_t mark,
			const struct zone *zone)
{
	FILE *out;
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return false;
	out = fdopen(fd, "w");
	if (out == NULL) {
		close(fd);
		return false;
	}
	write_head(out, zone_file, mark);
	write_records(out, zone);
	return finish(out);
}

bool last_good_save(const char *state_dir, const char *zone_file, uint64_t mark,
		    const struct zone *zone)
{
	char path[PATH_MAX], unfinished[PATH_MAX + 32];
	int saved;

	if (!last_good_path(state_dir, zone_file, path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (mark != 0 && has_mark(path, mark))
		return true;
	snprintf(unfinished, sizeof(unfinished), "%s.%d" UNFINISHED, path, (int)getpid());
	if (write_whole(unfinished, zone_file, mark, zone) && rename(unfinished, path) == 0)
		return true;
	saved = errno;
	unlink(unfinished);
	errno = saved;
	return false;
}

void last_good_forget(const char *state_dir, const char *zone_file)
{
	char path[PATH_MAX];

	if (last_good_path(state_dir, zone_file, path))
		unlink(path);
}
