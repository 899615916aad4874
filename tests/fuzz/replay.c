/* replay.c: a fuzz target without libFuzzer: every file in the folders given as arguments, once.
 * So that the corpus is an ordinary test, with any compiler and sanitizer. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	exit(1);
}

/* The input is a heap block of its own length: a read past it shows under AddressSanitizer. */
static void replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat about;

	if (file == NULL || fstat(fileno(file), &about) != 0)
		fail(path);
	size_t size = (size_t)about.st_size;
	uint8_t *data = malloc(size != 0 ? size : 1);
	if (data == NULL || fread(data, 1, size, file) != size)
		fail(path);
	fclose(file);
	fprintf(stderr, "%s\n", path); /* the last one is the culprit after a crash */
	LLVMFuzzerTestOneInput(data, size);
	free(data);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int replay_folder(const char *folder)
{
	struct dirent **entries;

	int count = scandir(folder, &entries, is_visible, alphasort);
	if (count < 0)
		fail(folder);
	for (int i = 0; i < count; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		replay_file(path);
		free(entries[i]);
	}
	free(entries);
	return count;
}

int main(int argc, char **argv)
{
	int count = 0;

	for (int i = 1; i < argc; i++)
		count += replay_folder(argv[i]);
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	printf("%d inputs\n", count);
	return count == 0;
}
