/* Runs every picture of inputs.bin and writes outputs.bin; MODEL_HEADER and MODEL_RUN name the
 * network. With LINGNAN_PROFILE the first picture's timer readings go to profile.txt. */
#include <stdio.h>
#include <stdlib.h>

#include MODEL_HEADER

static uint8_t in[MODEL_INPUT_BYTES], out[MODEL_OUTPUT_BYTES];

#ifdef LINGNAN_PROFILE
uint32_t board_timer(void);
static uint32_t readings[MODEL_LAYERS + 1];
static int pictures;

void lingnan_step(int layer)
{
    if (pictures == 0) readings[layer + 1] = board_timer();
}
#endif

int main(void)
{
    FILE *const source = fopen("inputs.bin", "rb"), *const target = fopen("outputs.bin", "wb");
    if (!source || !target) return EXIT_FAILURE;
    while (fread(in, 1, sizeof in, source) == sizeof in) {
#ifdef LINGNAN_PROFILE
        if (pictures == 0) readings[0] = board_timer();
#endif
        MODEL_RUN;
#ifdef LINGNAN_PROFILE
        ++pictures;
#endif
        if (fwrite(out, 1, sizeof out, target) != sizeof out) return EXIT_FAILURE;
    }
    if (fclose(target)) return EXIT_FAILURE;
#ifdef LINGNAN_PROFILE
    FILE *const profile = fopen("profile.txt", "w");
    if (!profile) return EXIT_FAILURE;
    for (int i = 0; i <= MODEL_LAYERS; ++i) fprintf(profile, "%lu\n", (unsigned long)readings[i]);
    if (fclose(profile)) return EXIT_FAILURE;
#endif
    return EXIT_SUCCESS;
}
