/* Any machine with a C99 compiler; included by lingnan_dot.h. */
enum { LINGNAN_DIRECT = 1, LINGNAN_LANES = 4 };

static inline void lingnan_dot_block(const int8_t *w, int32_t width, const lingnan_windows *v,
                                     int32_t *sums)
{
    memset(sums, 0, 2 * LINGNAN_BLOCK * sizeof *sums);
    for (int32_t run = 0; run < v->runs; ++run) {
        const uint8_t *a = v->at[0] + run * v->pitch, *b = v->at[1] + run * v->pitch;
        for (const uint8_t *const end = a + v->length; a != end; a += 4, b += 4, w += 4 * width)
            for (int32_t c = 0; c < width; ++c) {
                const int8_t *const t = w + 4 * c;
                sums[c] += t[0] * a[0] + t[1] * a[1] + t[2] * a[2] + t[3] * a[3];
                sums[LINGNAN_BLOCK + c] += t[0] * b[0] + t[1] * b[1] + t[2] * b[2] + t[3] * b[3];
            }
    }
}

static inline void lingnan_rescale_block(const lingnan_rescale *r, const int32_t *sums,
                                         int32_t channel, int32_t count, uint8_t *out)
{
    for (int32_t c = 0; c < count; ++c) out[c] = lingnan_rescaled(r, sums[c], channel + c);
}

/* Sums of LINGNAN_LANES channels over `rows` x `columns` taps. */
static inline void lingnan_depthwise_lanes(lingnan_taps t, int32_t rows, int32_t columns,
                                           int32_t *sums)
{
    for (int32_t c = 0; c < LINGNAN_LANES; ++c) sums[c] = 0;
    for (int32_t row = 0; row < rows; ++row)
        for (int32_t at = 0; at < columns; ++at) {
            const int8_t *const w = t.w + row * t.w_pitch + at * t.w_step;
            const uint8_t *const x = t.x + row * t.x_pitch + at * t.x_step;
            for (int32_t c = 0; c < LINGNAN_LANES; ++c) sums[c] += w[c] * x[c];
        }
}
