/* Convolutions. Windows are gathered into columns, two at a time, unless they lie ready. */
#include "lingnan_dot.h"
#include "lingnan_rescale.h"

/* One window of `channels` channels, padding as the zero point, to `row` bytes. */
static void gather(const lingnan_conv *p, const uint8_t *in, int32_t channels, int32_t pixel,
                   uint8_t *column)
{
    const int32_t top = pixel / p->out_w * p->stride_h - p->pad_top;
    const int32_t left = pixel % p->out_w * p->stride_w - p->pad_left;
    const int whole = channels == p->in_c && left >= 0 && left + p->kernel_w <= p->in_w;
    uint8_t *to = column;
    for (int32_t y = top; y < top + p->kernel_h; ++y) {
        if (y < 0 || y >= p->in_h) {
            memset(to, p->zero_point, (size_t)(p->kernel_w * channels));
            to += p->kernel_w * channels;
        } else if (whole) {
            memcpy(to, in + (y * p->in_w + left) * p->in_c, (size_t)(p->kernel_w * channels));
            to += p->kernel_w * channels;
        } else {
            for (int32_t x = left; x < left + p->kernel_w; ++x, to += channels) {
                if (x < 0 || x >= p->in_w)
                    memset(to, p->zero_point, (size_t)channels);
                else
                    memcpy(to, in + (y * p->in_w + x) * p->in_c, (size_t)channels);
            }
        }
    }
    memset(to, 0, (size_t)(column + p->row - to));
}

/* Two columns that lie `row` apart against `rows` rows of weights, from `channel` on. */
static void two_columns(const lingnan_conv *p, const uint8_t *columns, int32_t channel,
                        int32_t rows, uint8_t *out)
{
    const lingnan_rescale rescale = p->rescale; /* a copy: bytes written may alias p */
    const int32_t row = p->row, end = channel + rows;
    const int8_t *weight = p->weight + channel * row;
    uint8_t *const next = out + p->out_c;
    for (; channel + 1 < end; channel += 2, weight += 2 * row) {
        int32_t sums[4];
        lingnan_dot_2x2(weight, columns, row, sums);
        out[channel] = lingnan_rescaled(&rescale, sums[0], channel);
        next[channel] = lingnan_rescaled(&rescale, sums[1], channel);
        out[channel + 1] = lingnan_rescaled(&rescale, sums[2], channel + 1);
        next[channel + 1] = lingnan_rescaled(&rescale, sums[3], channel + 1);
    }
    if (channel < end) {
        const int32_t first = lingnan_dot(weight, columns, row);
        const int32_t second = lingnan_dot(weight, columns + row, row);
        out[channel] = lingnan_rescaled(&rescale, first, channel);
        next[channel] = lingnan_rescaled(&rescale, second, channel);
    }
}

static void one_column(const lingnan_conv *p, const uint8_t *column, int32_t channel, int32_t rows,
                       uint8_t *out)
{
    const lingnan_rescale rescale = p->rescale;
    for (const int32_t end = channel + rows; channel < end; ++channel) {
        const int32_t sum = lingnan_dot(p->weight + channel * p->row, column, p->row);
        out[channel] = lingnan_rescaled(&rescale, sum, channel);
    }
}

static void group(const lingnan_conv *p, const uint8_t *in, uint8_t *out, uint8_t *scratch,
                  int32_t at)
{
    const int32_t channels = p->in_c / p->groups, rows = p->out_c / p->groups;
    const int32_t pixels = p->out_h * p->out_w;
    /* a window of one pixel is a column already */
    const int ready = p->kernel_h * p->kernel_w * p->stride_h * p->stride_w == 1 &&
                      p->groups == 1 && p->row == p->in_c && p->in_h == p->out_h &&
                      p->in_w == p->out_w;
    const uint8_t *columns = scratch;
    for (int32_t pixel = 0; pixel < pixels; pixel += 2, out += 2 * p->out_c) {
        const int two = pixel + 1 < pixels;
        if (ready) {
            columns = in + pixel * p->in_c;
        } else {
            gather(p, in + at * channels, channels, pixel, scratch);
            if (two) gather(p, in + at * channels, channels, pixel + 1, scratch + p->row);
        }
        if (two)
            two_columns(p, columns, at * rows, rows, out);
        else
            one_column(p, columns, at * rows, rows, out);
    }
}

void lingnan_conv2d(const lingnan_conv *p, const uint8_t *in, uint8_t *out, uint8_t *scratch)
{
    for (int32_t at = 0; at < p->groups; ++at) group(p, in, out, scratch, at);
}
