/* express.c: see express.h. Which code is the CPU's is asked once a burst: that is a load and a
 * test, and nothing has to be kept. */
#include "dataplane/answer/express_levels.h"

#if defined(EXPRESS_X86_64)
static bool runs_avx512(void)
{
	return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("bmi2");
}

static bool runs_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
	       __builtin_cpu_supports("bmi");
}
#endif

unsigned express_codes(struct express_code code[EXPRESS_CODES])
{
	unsigned codes = 0;

#if defined(EXPRESS_X86_64)
	if (runs_avx512())
		code[codes++] = (struct express_code){"AVX-512", express_avx512};
	if (runs_avx2())
		code[codes++] = (struct express_code){"AVX2", express_avx2};
#endif
	code[codes++] = (struct express_code){"plain", express_plain};
	return codes;
}

unsigned express_answer(const struct express *express, struct datagram *burst, unsigned n,
			struct express_left left[])
{
	struct express_code code[EXPRESS_CODES];

	express_codes(code);
	return code[0].answer(express, burst, n, left);
}
