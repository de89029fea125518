#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

// Declared only under _GNU_SOURCE.
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);

// syscall is variadic; glibc declares prlimit and pidfd_open only under _GNU_SOURCE.
static inline int shim_limit(pid_t process, int resource, unsigned long long value) {
    struct rlimit limit = {.rlim_cur = value, .rlim_max = value};
    return (int)syscall(SYS_prlimit64, process, resource, &limit, (void *)0);
}
static inline int shim_process_descriptor(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

// An enum in C, whose type differs between C library modes.
static inline int shim_limit_cpu(void) { return RLIMIT_CPU; }
static inline int shim_limit_address_space(void) { return RLIMIT_AS; }
static inline int shim_limit_core(void) { return RLIMIT_CORE; }
static inline int shim_limit_file_size(void) { return RLIMIT_FSIZE; }
