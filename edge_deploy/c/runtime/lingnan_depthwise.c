/* Depthwise convolution: weights (kernel row, kernel column, channel). */
#include "lingnan_dot.h"

typedef struct {
    const lingnan_conv *p;
    const lingnan_rescale *rescale;
    const uint8_t *in;
    int32_t top, left; /* of the window */
} place;

static int has(const place *at, int32_t y, int32_t x)
{
    return at->top + y >= 0 && at->top + y < at->p->in_h && at->left + x >= 0 &&
           at->left + x < at->p->in_w;
}

static const uint8_t *tap(const place *at, int32_t y, int32_t x)
{
    return at->in + ((at->top + y) * at->p->in_w + at->left + x) * at->p->in_c;
}

static int32_t one_channel(const place *at, int32_t channel)
{
    const lingnan_conv *const p = at->p;
    int32_t sum = 0;
    for (int32_t y = 0; y < p->kernel_h; ++y)
        for (int32_t x = 0; x < p->kernel_w; ++x)
            sum += p->weight[(y * p->kernel_w + x) * p->in_c + channel] *
                   (has(at, y, x) ? tap(at, y, x)[channel] : p->zero_point);
    return sum;
}

/* Channels from `channel` on of a 3 x 3 window that the picture ends in. */
static void at_edge(const place *at, int32_t channel, int32_t *sums)
{
    const lingnan_conv *const p = at->p;
    uint8_t cells[9 * LINGNAN_LANES];
    for (int32_t k = 0; k < 9; ++k)
        if (has(at, k / 3, k % 3))
            memcpy(cells + k * LINGNAN_LANES, tap(at, k / 3, k % 3) + channel, LINGNAN_LANES);
        else
            memset(cells + k * LINGNAN_LANES, p->zero_point, LINGNAN_LANES);
    const lingnan_taps taps = {p->weight + channel, cells, 3 * p->in_c, p->in_c,
                               3 * LINGNAN_LANES, LINGNAN_LANES};
    lingnan_depthwise_lanes(taps, 3, 3, sums);
}

static inline void pixel(const place *at, int inside, uint8_t *out)
{
    const lingnan_conv *const p = at->p;
    const int32_t channels = p->in_c, rows = p->kernel_h, columns = p->kernel_w;
    const int three = rows == 3 && columns == 3;
    int32_t channel = 0;
    for (; (inside || three) && channel < channels && channels >= LINGNAN_LANES;
         channel += LINGNAN_LANES) {
        int32_t sums[LINGNAN_LANES];
        if (channel + LINGNAN_LANES > channels) channel = channels - LINGNAN_LANES; /* some twice */
        const lingnan_taps taps = {p->weight + channel, tap(at, 0, 0) + channel,
                                   columns * channels,  channels,
                                   p->in_w * channels,  channels};
        if (!inside)
            at_edge(at, channel, sums);
        else if (three)
            lingnan_depthwise_lanes(taps, 3, 3, sums);
        else
            lingnan_depthwise_lanes(taps, rows, columns, sums);
        lingnan_rescale_windows(at->rescale, sums, 1, channel, LINGNAN_LANES, out + channel, 0);
    }
    for (; channel < channels; ++channel)
        out[channel] = lingnan_rescaled(at->rescale, one_channel(at, channel), channel);
}

/* Pixels from `at` on whose columns are inside, as many as are taken at once; 0: none. */
static inline int32_t run(const place *at, int32_t pixels, uint8_t *out)
{
#if defined(LINGNAN_VNNI)
    const lingnan_conv *const p = at->p;
    const int32_t channels = p->in_c, room = p->in_w - 3 - at->left; /* to move right */
    if (p->kernel_h != 3 || p->kernel_w != 3 || channels < LINGNAN_LANES || at->left < 0 ||
        room < 0 || !lingnan_is_plain(at->rescale))
        return 0;
    const int32_t inside = room / p->stride_w + 1, count = inside < pixels ? inside : pixels;
    uint8_t padding[LINGNAN_LANES];
    memset(padding, p->zero_point, sizeof padding);
    for (int32_t channel = 0; channel < channels; channel += LINGNAN_LANES) {
        lingnan_row rows[3];
        if (channel + LINGNAN_LANES > channels) channel = channels - LINGNAN_LANES; /* some twice */
        for (int32_t y = 0; y < 3; ++y) {
            const lingnan_row outside = {padding, 0, 0};
            const lingnan_row row = {tap(at, y, 0) + channel, channels, p->stride_w * channels};
            rows[y] = has(at, y, 0) ? row : outside;
        }
        lingnan_depthwise_run(rows, p->weight + channel, channels, count, at->rescale, channel,
                              out + channel);
    }
    return count;
#else
    (void)at, (void)pixels, (void)out;
    return 0;
#endif
}

void lingnan_depthwise(const lingnan_conv *p, const uint8_t *in, uint8_t *out)
{
    const lingnan_rescale rescale = p->rescale; /* a copy: bytes written may alias p */
    for (int32_t y = 0; y < p->out_h; ++y)
        for (int32_t x = 0; x < p->out_w;) {
            const place at = {p, &rescale, in, y * p->stride_h - p->pad_top,
                              x * p->stride_w - p->pad_left};
            int32_t done = run(&at, p->out_w - x, out);
            if (done == 0) {
                pixel(&at, has(&at, 0, 0) && has(&at, p->kernel_h - 1, p->kernel_w - 1), out);
                done = 1;
            }
            x += done;
            out += done * p->out_c;
        }
}
