/* Pictures from standard input to outputs on standard output, as they lie in the vectors. */
#include <stdlib.h>

#include MODEL_HEADER
#include "peak.h"

static uint8_t in[MODEL_INPUT_BYTES], out[MODEL_OUTPUT_BYTES];

int main(void)
{
    size_t got;
    while ((got = fread(in, 1, sizeof in, stdin)) == sizeof in) {
        MODEL_RUN;
        if (fwrite(out, 1, sizeof out, stdout) != sizeof out || fflush(stdout))
            return EXIT_FAILURE;
    }
    if (got) fprintf(stderr, "the last picture has %zu of %zu bytes\n", got, sizeof in);
    if (getenv("LINGNAN_PEAK")) lingnan_tell_peak();
    return got || ferror(stdin) ? EXIT_FAILURE : EXIT_SUCCESS;
}
