/* Another clock for the program below it, loaded with LD_PRELOAD.
 *
 * LD_WALK_CLOCK: the time at the start, in seconds since 1970.
 * LD_WALK_WARP: time passes so many times as fast. Waits end so much sooner.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

typedef long long ns;

static const ns SECOND = 1000000000LL;
static ns warp = 1, base, set = -1;
static int (*real_clock)(clockid_t, struct timespec *);
static long (*real_syscall)(long, ...);
static int (*real_nanosleep)(clockid_t, int, const struct timespec *, struct timespec *);
static int (*real_setsockopt)(int, int, int, const void *, socklen_t);
static int (*real_poll)(struct pollfd *, nfds_t, int);

static ns of(const struct timespec *t) { return t->tv_sec * SECOND + t->tv_nsec; }

static struct timespec to(ns n)
{
    struct timespec t = { n / SECOND, n % SECOND };
    return t;
}

__attribute__((constructor)) static void begin(void)
{
    struct timespec now;
    const char *word;
    real_clock = dlsym(RTLD_NEXT, "clock_gettime");
    real_syscall = dlsym(RTLD_NEXT, "syscall");
    real_nanosleep = dlsym(RTLD_NEXT, "clock_nanosleep");
    real_setsockopt = dlsym(RTLD_NEXT, "setsockopt");
    real_poll = dlsym(RTLD_NEXT, "poll");
    if ((word = getenv("LD_WALK_CLOCK")))
        set = atoll(word) * SECOND;
    if ((word = getenv("LD_WALK_WARP")))
        warp = atoll(word);
    real_clock(CLOCK_MONOTONIC, &now);
    base = of(&now);
}

/* The time since the start, as the program sees it. */
static ns passed(void)
{
    struct timespec now;
    real_clock(CLOCK_MONOTONIC, &now);
    return (of(&now) - base) * warp;
}

int clock_gettime(clockid_t which, struct timespec *t)
{
    if (!real_clock)
        begin();
    if (which == CLOCK_MONOTONIC) {
        *t = to(base + passed());
        return 0;
    }
    if (which == CLOCK_REALTIME && set >= 0) {
        *t = to(set + passed());
        return 0;
    }
    return real_clock(which, t);
}

int clock_nanosleep(clockid_t which, int flags, const struct timespec *t, struct timespec *left)
{
    ns wait = (flags & TIMER_ABSTIME) ? of(t) - base - passed() : of(t);
    struct timespec shorter = to(wait > 0 ? wait / warp + 1 : 0);
    return real_nanosleep(which, 0, &shorter, left);
}

int nanosleep(const struct timespec *t, struct timespec *left)
{
    int error = clock_nanosleep(CLOCK_MONOTONIC, 0, t, left);
    if (error) {
        errno = error;
        return -1;
    }
    return 0;
}

int poll(struct pollfd *fds, nfds_t many, int timeout)
{
    return real_poll(fds, many, timeout > 0 ? (int)(timeout / warp) + 1 : timeout);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    if (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO)
        && size == sizeof(struct timeval)) {
        struct timeval t = *(const struct timeval *)value;
        ns wait = t.tv_sec * SECOND + t.tv_usec * 1000;
        if (wait > 0)
            wait = wait / warp + 1000;
        t.tv_sec = wait / SECOND;
        t.tv_usec = wait % SECOND / 1000;
        return real_setsockopt(fd, level, name, &t, size);
    }
    return real_setsockopt(fd, level, name, value, size);
}

/* Threads wait for each other until a time of the clock above. */
long syscall(long number, ...)
{
    long a, b, c, d, e, f;
    va_list more;
    va_start(more, number);
    a = va_arg(more, long), b = va_arg(more, long), c = va_arg(more, long);
    d = va_arg(more, long), e = va_arg(more, long), f = va_arg(more, long);
    va_end(more);
    if (number == SYS_futex && d && (b & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET
        && !(b & FUTEX_CLOCK_REALTIME)) {
        struct timespec until = to(base + (of((const struct timespec *)d) - base) / warp + 1);
        return real_syscall(number, a, b, c, &until, e, f);
    }
    return real_syscall(number, a, b, c, d, e, f);
}
