#include "blobs.h"

typedef struct {
    const uint8_t *map;
    int32_t rows, columns, pitch, low;
} field;

static int hit(const field *f, int32_t y, int32_t x)
{
    return y >= 0 && x >= 0 && f->map[y * f->pitch + x] >= f->low;
}

static int joined(const field *f, int32_t y, int32_t x)
{
    return hit(f, y, x) || hit(f, y - 1, x) || hit(f, y, x - 1) || hit(f, y - 1, x - 1);
}

/* Everything connected with a cell, marked on the way; the box is that of its own hits. */
static lingnan_blob flood(const field *f, int32_t start, uint8_t *marks, int32_t *stack)
{
    lingnan_blob blob = {f->columns, f->rows, 0, 0, 0};
    int32_t depth = 0;
    stack[depth++] = start;
    marks[start] = 1;
    while (depth) {
        const int32_t cell = stack[--depth], y = cell / f->columns, x = cell % f->columns;
        if (hit(f, y, x)) {
            const uint8_t value = f->map[y * f->pitch + x];
            if (value > blob.best) blob.best = value;
            if (x < blob.x0) blob.x0 = x;
            if (y < blob.y0) blob.y0 = y;
            if (x >= blob.x1) blob.x1 = x + 1;
            if (y >= blob.y1) blob.y1 = y + 1;
        }
        for (int32_t v = y - (y > 0); v <= y + 1 && v < f->rows; ++v)
            for (int32_t u = x - (x > 0); u <= x + 1 && u < f->columns; ++u) {
                const int32_t next = v * f->columns + u;
                if (marks[next] || !joined(f, v, u)) continue;
                marks[next] = 1;
                stack[depth++] = next;
            }
    }
    return blob;
}

int32_t lingnan_blobs(const uint8_t *map, int32_t rows, int32_t columns, int32_t pitch, int32_t low,
                      int32_t least, uint8_t *room_marks, int32_t *room_stack, lingnan_blob *found)
{
    const field f = {map, rows, columns, pitch, low};
    int32_t count = 0;
    for (int32_t cell = 0; cell < rows * columns; ++cell) room_marks[cell] = 0;
    for (int32_t cell = 0; cell < rows * columns; ++cell) {
        if (room_marks[cell] || !hit(&f, cell / columns, cell % columns)) continue;
        const lingnan_blob blob = flood(&f, cell, room_marks, room_stack);
        if (blob.best >= least) found[count++] = blob;
    }
    return count;
}
