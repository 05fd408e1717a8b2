/* Depthwise convolution: weights (kernel row, kernel column, channel). */
#include "lingnan_dot.h"
#include "lingnan_rescale.h"

typedef struct {
    int32_t top, left, y0, y1, x0, x1; /* the window, and which of its taps are inside */
} window;

static window window_at(const lingnan_conv *p, int32_t out_y, int32_t out_x)
{
    const int32_t top = out_y * p->stride_h - p->pad_top, left = out_x * p->stride_w - p->pad_left;
    const int32_t below = p->in_h - top, beside = p->in_w - left;
    return (window){top,
                    left,
                    top < 0 ? -top : 0,
                    below < p->kernel_h ? below : p->kernel_h,
                    left < 0 ? -left : 0,
                    beside < p->kernel_w ? beside : p->kernel_w};
}

/* What the taps outside add: the zero point times their weights. */
static int32_t outside(const lingnan_conv *p, const window *v, int32_t channel)
{
    int32_t sum = 0;
    for (int32_t y = 0; y < p->kernel_h; ++y)
        for (int32_t x = 0; x < p->kernel_w; ++x)
            if (y < v->y0 || y >= v->y1 || x < v->x0 || x >= v->x1)
                sum += p->weight[(y * p->kernel_w + x) * p->in_c + channel] * p->zero_point;
    return sum;
}

static int32_t one_channel(const lingnan_conv *p, const window *v, const uint8_t *in,
                           int32_t channel)
{
    int32_t sum = 0;
    for (int32_t y = v->y0; y < v->y1; ++y)
        for (int32_t x = v->x0; x < v->x1; ++x)
            sum += p->weight[(y * p->kernel_w + x) * p->in_c + channel] *
                   in[((v->top + y) * p->in_w + v->left + x) * p->in_c + channel];
    return sum;
}

#ifdef LINGNAN_SMLAD
/* Four channels: their bytes are widened together, and each multiplied with its own weight. */
static void four_channels(const lingnan_conv *p, const window *v, const uint8_t *in,
                          int32_t channel, int32_t sums[4])
{
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    const int32_t step = p->in_c;
    for (int32_t y = v->y0; y < v->y1; ++y) {
        const int8_t *w = p->weight + (y * p->kernel_w + v->x0) * step + channel;
        const uint8_t *x = in + ((v->top + y) * p->in_w + v->left + v->x0) * step + channel;
        for (int32_t n = v->x1 - v->x0; n > 0; --n, w += step, x += step) {
            const uint32_t ww = lingnan_word(w), xx = lingnan_word(x);
            const int16x2_t we = __sxtb16(ww), wo = lingnan_sxtb16_ror8(ww);
            const int16x2_t xe = (int16x2_t)__uxtb16(xx), xo = lingnan_uxtb16_ror8(xx);
            s0 = __smlabb(we, xe, s0);
            s2 = __smlatt(we, xe, s2);
            s1 = __smlabb(wo, xo, s1);
            s3 = __smlatt(wo, xo, s3);
        }
    }
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
}
#else
static void four_channels(const lingnan_conv *p, const window *v, const uint8_t *in,
                          int32_t channel, int32_t sums[4])
{
    for (int32_t i = 0; i < 4; ++i) sums[i] = one_channel(p, v, in, channel + i);
}
#endif

static void pixel(const lingnan_conv *p, const window *v, const uint8_t *in, uint8_t *out)
{
    const lingnan_rescale rescale = p->rescale; /* a copy: bytes written may alias p */
    const int edge = v->y0 || v->x0 || v->y1 < p->kernel_h || v->x1 < p->kernel_w;
    const int32_t channels = p->in_c;
    int32_t channel = 0;
    for (; channel + 4 <= channels; channel += 4) {
        int32_t sums[4];
        four_channels(p, v, in, channel, sums);
        if (edge)
            for (int32_t i = 0; i < 4; ++i) sums[i] += outside(p, v, channel + i);
        out[channel] = lingnan_rescaled(&rescale, sums[0], channel);
        out[channel + 1] = lingnan_rescaled(&rescale, sums[1], channel + 1);
        out[channel + 2] = lingnan_rescaled(&rescale, sums[2], channel + 2);
        out[channel + 3] = lingnan_rescaled(&rescale, sums[3], channel + 3);
    }
    for (; channel < channels; ++channel) {
        const int32_t sum = one_channel(p, v, in, channel) + outside(p, v, channel);
        out[channel] = lingnan_rescaled(&rescale, sum, channel);
    }
}

void lingnan_depthwise(const lingnan_conv *p, const uint8_t *in, uint8_t *out)
{
    for (int32_t y = 0; y < p->out_h; ++y)
        for (int32_t x = 0; x < p->out_w; ++x, out += p->out_c) {
            const window v = window_at(p, y, x);
            pixel(p, &v, in, out);
        }
}
