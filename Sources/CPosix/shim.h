// What the Glibc module does not offer to Swift.
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// pthread_setname_np is declared only under _GNU_SOURCE.
extern int pthread_setname_np(pthread_t thread, const char *name);
static inline int shim_set_thread_name(pthread_t thread, const char *name) { return pthread_setname_np(thread, name); }

// syscall is variadic.
static inline pid_t shim_gettid(void) { return (pid_t)syscall(SYS_gettid); }

// ioctl is variadic. Columns of the terminal behind a descriptor; 0 when there is none.
static inline int shim_terminal_columns(int descriptor) {
    struct winsize size;
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
