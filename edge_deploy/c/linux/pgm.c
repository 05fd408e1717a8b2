#include "pgm.h"

#include <ctype.h>

/* A header number after white space and comments; -1 where there is none below a million. */
static int32_t number(FILE *stream)
{
    int c = getc(stream);
    while (isspace(c) || c == '#') {
        if (c == '#')
            while (c != '\n' && c != EOF) c = getc(stream);
        c = getc(stream);
    }
    int32_t value = -1;
    for (; c >= '0' && c <= '9'; c = getc(stream)) {
        value = (value < 0 ? 0 : value) * 10 + (c - '0');
        if (value >= 1000000) return -1;
    }
    return isspace(c) ? value : -1; /* one white space ends the number and, at last, the header */
}

static int row(FILE *stream, int32_t width, int wide, uint8_t *to)
{
    if (!wide) return fread(to, 1, (size_t)width, stream) == (size_t)width;
    for (int32_t x = 0; x < width; ++x) {
        const int high = getc(stream), low = getc(stream);
        if (low == EOF) return 0;
        const int32_t value = (high << 8 | low) >> 4;
        to[x] = (uint8_t)(value > 255 ? 255 : value);
    }
    return 1;
}

int lingnan_pgm_read(FILE *stream, lingnan_pgm most, int32_t stride, uint8_t *pixels,
                     lingnan_pgm *size)
{
    int c = getc(stream);
    while (isspace(c)) c = getc(stream);
    if (c == EOF) return LINGNAN_PGM_END;
    if (c != 'P' || getc(stream) != '5') return LINGNAN_PGM_BROKEN;
    size->width = number(stream);
    size->height = number(stream);
    const int32_t high = number(stream);
    if (size->width < 1 || size->height < 1 || high < 1 || high > 65535) return LINGNAN_PGM_BROKEN;
    if (size->width > most.width || size->height > most.height) return LINGNAN_PGM_LARGE;
    for (int32_t y = 0; y < size->height; ++y)
        if (!row(stream, size->width, high > 255, pixels + y * stride)) return LINGNAN_PGM_BROKEN;
    return LINGNAN_PGM_PICTURE;
}
