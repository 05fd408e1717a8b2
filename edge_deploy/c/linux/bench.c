/* One picture from standard input, run again and again: CPU nanoseconds of each call on standard
 * output, peak memory on standard error. */
#define _POSIX_C_SOURCE 199309L
#include <stdlib.h>
#include <time.h>

#include MODEL_HEADER
#include "peak.h"

static uint8_t in[MODEL_INPUT_BYTES], out[MODEL_OUTPUT_BYTES];

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

int main(int count, char **words)
{
    const long rounds = count > 1 ? strtol(words[1], 0, 10) : 1;
    if (fread(in, 1, sizeof in, stdin) != sizeof in) return EXIT_FAILURE;
    for (long i = 0; i <= rounds; ++i) { /* the first is not told */
        const long long start = now();
        MODEL_RUN;
        if (i) printf("%lld\n", now() - start);
    }
    lingnan_tell_peak();
    return out[0] == in[0] && rounds < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
