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
        lingnan_rescale_block(at->rescale, sums, channel, LINGNAN_LANES, out + channel);
    }
    for (; channel < channels; ++channel)
        out[channel] = lingnan_rescaled(at->rescale, one_channel(at, channel), channel);
}

void lingnan_depthwise(const lingnan_conv *p, const uint8_t *in, uint8_t *out)
{
    const lingnan_rescale rescale = p->rescale; /* a copy: bytes written may alias p */
#ifdef LINGNAN_WIDE
    if (p->room) {
        lingnan_depthwise_rows(p, in, out);
        return;
    }
#endif
    for (int32_t y = 0; y < p->out_h; ++y)
        for (int32_t x = 0; x < p->out_w; ++x, out += p->out_c) {
            const place at = {p, &rescale, in, y * p->stride_h - p->pad_top,
                              x * p->stride_w - p->pad_left};
            pixel(&at, has(&at, 0, 0) && has(&at, p->kernel_h - 1, p->kernel_w - 1), out);
        }
}
