/* cookie_secrets.c: see cookie_secrets.h. */
#include "control/policy/cookie_secrets.h"

#include "control/policy/hex.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define LINE_MOST 256

/* Cuts a comment and the blanks around what is left. */
static char *trim(char *line)
{
	size_t length;

	line[strcspn(line, "#\r\n")] = '\0';
	line += strspn(line, " \t");
	length = strlen(line);
	while (length > 0 && strchr(" \t", line[length - 1]) != NULL)
		line[--length] = '\0';
	return line;
}

/* NULL, or what is wrong with the line. */
static const char *take_line(char *line, struct policy_cookies *cookies)
{
	const char *text = trim(line);
	size_t octets;

	if (*text == '\0')
		return NULL;
	if (cookies->count == POLICY_SECRETS)
		return "one secret too many; remove the oldest";
	if (!hex_from_text(text, cookies->secret[cookies->count], POLICY_SECRET_OCTETS, &octets) ||
	    octets != POLICY_SECRET_OCTETS)
		return "a secret is 32 hexadecimal digits";
	cookies->count++;
	return NULL;
}

static bool read_lines(FILE *file, const char *path, struct policy_cookies *cookies, char *error,
		       size_t error_size)
{
	char line[LINE_MOST];
	const char *wrong = NULL;
	unsigned number;

	for (number = 1; fgets(line, sizeof(line), file) != NULL; number++) {
		wrong = take_line(line, cookies);
		if (wrong != NULL)
			break;
	}
	explicit_bzero(line, sizeof(line));
	if (wrong != NULL)
		snprintf(error, error_size, "%s:%u: %s", path, number, wrong);
	else if (ferror(file))
		snprintf(error, error_size, "%s: can't be read: %s", path, strerror(errno));
	else if (cookies->count == 0)
		snprintf(error, error_size,
			 "%s: there is no secret in it; write one of 32 "
			 "hexadecimal digits, or turn cookies off",
			 path);
	else
		return true;
	return false;
}

bool cookie_secrets_read(const char *path, struct policy_cookies *cookies, char *error,
			 size_t error_size)
{
	FILE *file = fopen(path, "re");
	bool good;

	cookies->count = 0;
	if (file == NULL) {
		snprintf(error, error_size, "cookie_secret_file: can't open %s: %s", path,
			 strerror(errno));
		return false;
	}
	good = read_lines(file, path, cookies, error, error_size);
	fclose(file);
	return good;
}

bool cookie_secrets_random(struct policy_cookies *cookies, char *error, size_t error_size)
{
	static uint8_t secret[POLICY_SECRET_OCTETS];
	static bool made;

	if (!made && getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret)) {
		snprintf(error, error_size, "can't make a secret for cookies: %s", strerror(errno));
		return false;
	}
	made = true;
	cookies->count = 1;
	memcpy(cookies->secret[0], secret, sizeof(secret));
	return true;
}
