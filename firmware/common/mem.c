/* memcpy, memmove, memset and memcmp. A compiler may call them even where the source does not, and there is no C
 * library here that would provide them. They are written for size. */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);

void *memcpy(void *to, const void *from, size_t n) {
    uint8_t *t = to;
    const uint8_t *f = from;
    while (n-- > 0) *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t n) {
    uint8_t *t = to;
    const uint8_t *f = from;
    if ((uintptr_t)t < (uintptr_t)f)
        while (n-- > 0) *t++ = *f++;
    else
        while (n-- > 0) t[n] = f[n];
    return to;
}

void *memset(void *to, int value, size_t n) {
    uint8_t *t = to;
    while (n-- > 0) *t++ = (uint8_t)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t n) {
    const uint8_t *x = a, *y = b;
    for (; n > 0; n--, x++, y++)
        if (*x != *y) return *x < *y ? -1 : 1;
    return 0;
}
