/* Counts a process's allocations, preloaded. At its end it appends a line to the file
 * that MALLOC_COUNTED names: "worker" or "supervisor", and the count.
 *
 * glibc only, by the names that it gives its own allocator. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static unsigned long count;
static int counted = -1;
static const char *kind = "supervisor";

static void one(void) { __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED); }

void *malloc(size_t size) {
    one();
    return __libc_malloc(size);
}

void *calloc(size_t items, size_t size) {
    one();
    return __libc_calloc(items, size);
}

void *realloc(void *old, size_t size) {
    one();
    return __libc_realloc(old, size);
}

int posix_memalign(void **to, size_t alignment, size_t size) {
    one();
    *to = __libc_memalign(alignment, size);
    return *to ? 0 : 12;
}

/* Opened before the sandbox closes. */
__attribute__((constructor)) static void begin(int arguments, char **argument) {
    const char *path = getenv("MALLOC_COUNTED");
    if (arguments > 1 && strcmp(argument[1], "--worker") == 0)
        kind = "worker";
    if (path)
        counted = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

__attribute__((destructor)) static void end(void) {
    char line[64];
    int length = snprintf(line, sizeof line, "%s %lu\n", kind, count);
    if (counted >= 0 && write(counted, line, (size_t)length) != length)
        abort();
}
