/* A file system without POSIX locks: every request for one fails as lockd's absence makes it fail. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

static int answer(const char *name, int fd, int command, void *argument)
{
    if (command == F_SETLK || command == F_SETLKW || command == F_GETLK) {
        errno = ENOLCK;
        return -1;
    }
    int (*real)(int, int, void *) = (int (*)(int, int, void *))dlsym(RTLD_NEXT, name);
    return real(fd, command, argument);
}

#define INTERPOSED(name)                                \
    int name(int fd, int command, ...)                  \
    {                                                   \
        va_list rest;                                   \
        va_start(rest, command);                        \
        void *argument = va_arg(rest, void *);          \
        va_end(rest);                                   \
        return answer(#name, fd, command, argument);    \
    }

INTERPOSED(fcntl)
INTERPOSED(fcntl64)
