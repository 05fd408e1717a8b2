/* One picture from standard input, run again and again: readings of the program's own CPU clock in
 * nanoseconds, one line each on standard output, MODEL_LAYERS + 3 a round. They are told at the
 * end: the start, each layer's end, once more at once (what a reading itself takes), and the end of
 * a run whose layers are not read. For LINGNAN_PROFILE. */
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include MODEL_HEADER

static uint8_t in[MODEL_INPUT_BYTES], out[MODEL_OUTPUT_BYTES];
static long long *next;
static int reads_layers;

static void take(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* of its one thread */
    *next++ = (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

void lingnan_step(int layer)
{
    (void)layer;
    if (reads_layers) take();
}

int main(int count, char **words)
{
    const long rounds = count > 1 ? strtol(words[1], 0, 10) : 1;
    const size_t all = rounds > 0 ? (size_t)rounds * (MODEL_LAYERS + 3) : 0;
    long long *const readings = calloc(all, sizeof *readings);
    if (!readings || fread(in, 1, sizeof in, stdin) != sizeof in) return EXIT_FAILURE;
    next = readings;
    for (long i = 0; i < rounds; ++i) {
        reads_layers = 1;
        take();
        MODEL_RUN;
        take();
        reads_layers = 0;
        MODEL_RUN;
        take();
    }
    for (size_t i = 0; i < all; ++i) printf("%lld\n", readings[i]);
    free(readings);
    return EXIT_SUCCESS;
}
