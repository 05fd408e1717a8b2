/* A stream of pictures to decisions, one line of JSON each: to eight bits, pad, network, threshold,
 * regions. Files named on the command line, else standard input; each may hold many pictures. */
#include <stdlib.h>
#include <string.h>

#include MODEL_HEADER
#include "blobs.h"
#include "decide.h"
#include "peak.h"
#include "pgm.h"

#define CELLS (DECIDE_ROWS * DECIDE_COLUMNS)
#define STRIDE (DECIDE_HEIGHT / DECIDE_ROWS)

static uint8_t in[MODEL_INPUT_BYTES], out[MODEL_OUTPUT_BYTES], marks[CELLS];
static int32_t stack[CELLS];
static lingnan_blob blobs[CELLS];
static long frames;

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* The last column and row repeated to the network's size. */
static void pad(lingnan_pgm size)
{
    for (int32_t y = 0; y < size.height; ++y) {
        uint8_t *const row = in + y * DECIDE_WIDTH;
        memset(row + size.width, row[size.width - 1], (size_t)(DECIDE_WIDTH - size.width));
    }
    for (int32_t y = size.height; y < DECIDE_HEIGHT; ++y)
        memcpy(in + y * DECIDE_WIDTH, in + (size.height - 1) * DECIDE_WIDTH, DECIDE_WIDTH);
}

static double real(int32_t value)
{
    return (float)(value - DECIDE_ZERO_POINT) * DECIDE_SCALE;
}

static void tell(lingnan_pgm size)
{
    const int32_t rows = (size.height + STRIDE - 1) / STRIDE;
    const int32_t columns = (size.width + STRIDE - 1) / STRIDE;
    int32_t best = 0;
    for (int32_t y = 0; y < rows; ++y)
        for (int32_t x = 0; x < columns; ++x)
            if (out[y * DECIDE_COLUMNS + x] > best) best = out[y * DECIDE_COLUMNS + x];
    printf("{\"frame\":%ld,\"defective\":%s,\"score\":%.9g,\"regions\":[", frames++,
           best >= DECIDE_LEAST ? "true" : "false", real(best));
    const int32_t count = lingnan_blobs(out, rows, columns, DECIDE_COLUMNS, DECIDE_LOW,
                                        DECIDE_LEAST, marks, stack, blobs);
    for (int32_t i = 0; i < count; ++i)
        printf("%s{\"box_px\":[%ld,%ld,%ld,%ld],\"score\":%.9g}", i ? "," : "",
               (long)(blobs[i].x0 * STRIDE), (long)(blobs[i].y0 * STRIDE),
               (long)least(blobs[i].x1 * STRIDE, size.width),
               (long)least(blobs[i].y1 * STRIDE, size.height), real(blobs[i].best));
    printf("]}\n");
}

static int stream(FILE *source, const char *name)
{
    const lingnan_pgm most = {DECIDE_WIDTH, DECIDE_HEIGHT};
    for (;;) {
        lingnan_pgm size = {0, 0};
        const int got = lingnan_pgm_read(source, most, DECIDE_WIDTH, in, &size);
        if (got == LINGNAN_PGM_END) return 1;
        if (got == LINGNAN_PGM_BROKEN) {
            fprintf(stderr, "%s: picture %ld is not a whole binary PGM (P5)\n", name, frames);
            return 0;
        }
        if (got == LINGNAN_PGM_LARGE || DECIDE_WIDTH - size.width >= DECIDE_MULTIPLE ||
            DECIDE_HEIGHT - size.height >= DECIDE_MULTIPLE) {
            fprintf(stderr, "%s: picture %ld is %ld x %ld; this program was made for %d x %d\n",
                    name, frames, (long)size.width, (long)size.height, DECIDE_WIDTH, DECIDE_HEIGHT);
            return 0;
        }
        pad(size);
        MODEL_RUN;
        tell(size);
        if (fflush(stdout)) return 0;
    }
}

int main(int count, char **names)
{
    int well = 1;
    if (count < 2) well = stream(stdin, "standard input");
    for (int i = 1; well && i < count; ++i) {
        FILE *const source = fopen(names[i], "rb");
        if (!source) perror(names[i]);
        well = source && stream(source, names[i]);
        if (source) fclose(source);
    }
    if (getenv("LINGNAN_PEAK")) lingnan_tell_peak();
    return well ? EXIT_SUCCESS : EXIT_FAILURE;
}
