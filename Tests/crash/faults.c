/* A disk that fails when it is told to: an LD_PRELOAD library that stands between a program and its data directory.
 *
 * It counts calls on files below CRASH_FAULT_DIR by kind, and at call CRASH_FAULT_AT of kind CRASH_FAULT_KIND does
 * what CRASH_FAULT_ACTION says:
 *
 *   kind     write     pwrite, pwrite64, write
 *            sync      fsync, fdatasync of a file
 *            dirsync   the same of a directory; SQLite takes no notice of how that ends
 *            truncate  ftruncate, ftruncate64
 *   action   eio, enospc, erofs   the call fails so and has done nothing
 *            tear                 half of what is written gets there; SIGKILL
 *            cut                  the power goes: what was not synced is gone; SIGKILL
 *            half                 the same, but some of the writes (drawn from CRASH_FAULT_SEED) had reached the disk,
 *                                 or their first sectors
 *
 * The errors come once, or, with CRASH_FAULT_SWITCH, from that call on for as long as that file exists. When it has
 * acted it makes the file CRASH_FAULT_REPORT.
 *
 * What the power takes: for each file the writes and truncations since its last sync; the name of a file that was
 * created since the last sync of its directory. What it leaves out: unlink and rename, which are taken to be durable at
 * once, and writes through mmap.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_FDS = 65536, MAX_FILES = 256, SECTOR = 512 };
enum kind { WRITE, SYNC, DIRSYNC, TRUNCATE, KINDS };
enum action { NONE, ERROR, TEAR, CUT, HALF };

struct file {
    dev_t device;
    ino_t inode;
    bool is_directory, is_new; /* new: its directory was not synced since it was created */
    char path[PATH_MAX];
};

/* Something that was done to a file since its last sync, with what it takes to undo it. */
struct deed {
    struct deed *earlier, *later;
    int file;
    bool is_truncation;
    off_t offset; /* of the write, or the new size */
    off_t old_size;
    size_t length, old_length;
    unsigned char *bytes, *old_bytes;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file files[MAX_FILES];
static int file_count;
static short file_of[MAX_FDS]; /* index + 1; 0: not ours */
static struct deed *first_deed, *last_deed;

static char directory[PATH_MAX];
static const char *switch_path, *report_path;
static enum kind fault_kind;
static enum action action;
static int fault_errno;
static long fault_at, counts[KINDS];
static uint64_t lots;

static void complain(const char *what) {
    static const char prefix[] = "faults: ";
    if (syscall(SYS_write, 2, prefix, sizeof prefix - 1) < 0 || syscall(SYS_write, 2, what, strlen(what)) < 0 ||
        syscall(SYS_write, 2, "\n", 1) < 0)
        _exit(99);
    _exit(99);
}

__attribute__((constructor)) static void begin(void) {
    static const char *const kinds[KINDS] = {"write", "sync", "dirsync", "truncate"};
    static const struct {
        const char *name;
        enum action action;
        int number;
    } actions[] = {{"eio", ERROR, EIO}, {"enospc", ERROR, ENOSPC}, {"erofs", ERROR, EROFS},
                   {"tear", TEAR, 0},   {"cut", CUT, 0},           {"half", HALF, 0}};
    const char *where = getenv("CRASH_FAULT_DIR"), *kind = getenv("CRASH_FAULT_KIND");
    const char *name = getenv("CRASH_FAULT_ACTION"), *at = getenv("CRASH_FAULT_AT"), *seed = getenv("CRASH_FAULT_SEED");
    if (!where || !kind || !name || !at) return;
    if (!realpath(where, directory)) complain("CRASH_FAULT_DIR does not exist");
    switch_path = getenv("CRASH_FAULT_SWITCH");
    report_path = getenv("CRASH_FAULT_REPORT");
    fault_at = atol(at);
    lots = seed ? strtoull(seed, NULL, 10) : 1;
    fault_kind = KINDS;
    for (int k = 0; k < KINDS; k++)
        if (!strcmp(kind, kinds[k])) fault_kind = k;
    for (size_t a = 0; a < sizeof actions / sizeof *actions; a++)
        if (!strcmp(name, actions[a].name)) action = actions[a].action, fault_errno = actions[a].number;
    if (fault_kind == KINDS || action == NONE || fault_at < 1) complain("no such fault");
}

static uint64_t draw(void) { /* splitmix64 */
    uint64_t z = lots += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void report(void) {
    if (!report_path) return;
    long fd = syscall(SYS_openat, AT_FDCWD, report_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) syscall(SYS_close, (int)fd);
}

static bool write_all(int fd, const unsigned char *bytes, size_t length, off_t offset) {
    while (length > 0) {
        long n = syscall(SYS_pwrite64, fd, bytes, length, offset);
        if (n <= 0) return false;
        bytes += n, length -= (size_t)n, offset += n;
    }
    return true;
}

static void forget(struct deed *deed) {
    *(deed->earlier ? &deed->earlier->later : &first_deed) = deed->later;
    *(deed->later ? &deed->later->earlier : &last_deed) = deed->earlier;
    free(deed->bytes);
    free(deed->old_bytes);
    free(deed);
}

static void forget_deeds(int file) {
    for (struct deed *deed = first_deed, *later; deed; deed = later) {
        later = deed->later;
        if (deed->file == file) forget(deed);
    }
}

/* The files get the content they have on the disk; SIGKILL. */
static _Noreturn void cut(void) {
    int fds[MAX_FILES];
    for (int f = 0; f < file_count; f++)
        fds[f] = files[f].is_directory ? -1 : (int)syscall(SYS_openat, AT_FDCWD, files[f].path, O_RDWR | O_CLOEXEC, 0);
    for (struct deed *deed = last_deed; deed; deed = deed->earlier) {
        int fd = fds[deed->file];
        if (fd < 0) continue; /* it was removed */
        if (!write_all(fd, deed->old_bytes, deed->old_length, deed->offset) ||
            syscall(SYS_ftruncate, fd, deed->old_size) < 0)
            complain("can't undo a write");
    }
    for (struct deed *deed = first_deed; deed && action == HALF; deed = deed->later) {
        int fd = fds[deed->file];
        uint64_t lot = draw();
        if (fd < 0 || lot & 1) continue;
        size_t length = lot & 6 ? deed->length : deed->length / 2 / SECTOR * SECTOR;
        bool is_done = deed->is_truncation ? syscall(SYS_ftruncate, fd, deed->offset) == 0
                                           : write_all(fd, deed->bytes, length, deed->offset);
        if (!is_done) complain("can't do a write again");
    }
    for (int f = 0; f < file_count; f++)
        if (files[f].is_new && (action == CUT || draw() & 1)) syscall(SYS_unlinkat, AT_FDCWD, files[f].path, 0);
    report();
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* Counts a call, under the lock. Whether it fails, with errno set; other faults are done by the caller. */
static enum action fault_of(enum kind kind) {
    long n = ++counts[kind];
    if (action == NONE || kind != fault_kind) return NONE;
    if (switch_path ? n < fault_at : n != fault_at) return NONE;
    if (switch_path && syscall(SYS_faccessat, AT_FDCWD, switch_path, F_OK) != 0) return NONE;
    if (action == CUT || action == HALF) cut();
    report();
    errno = fault_errno;
    return action;
}

static int ours(int fd) {
    return fd >= 0 && fd < MAX_FDS ? file_of[fd] - 1 : -1;
}

static void *copy(const void *bytes, size_t length) {
    void *it = malloc(length ? length : 1);
    if (!it) complain("out of memory");
    if (bytes) memcpy(it, bytes, length);
    return it;
}

/* Remembers what is about to be done. */
static struct deed *note(int fd, bool is_truncation, off_t offset, const void *bytes, size_t length) {
    struct stat status;
    struct deed *deed = calloc(1, sizeof *deed);
    if (!deed || fstat(fd, &status) < 0) complain("can't note a write");
    deed->file = ours(fd);
    deed->is_truncation = is_truncation;
    deed->offset = offset;
    deed->old_size = status.st_size;
    deed->length = length;
    deed->bytes = copy(bytes, length);
    off_t rest = status.st_size > offset ? status.st_size - offset : 0;
    deed->old_length = is_truncation || (size_t)rest < length ? (size_t)rest : length;
    deed->old_bytes = copy(NULL, deed->old_length);
    /* The descriptor may be for writing only. */
    long reader = syscall(SYS_openat, AT_FDCWD, files[deed->file].path, O_RDONLY | O_CLOEXEC, 0);
    for (size_t done = 0; reader >= 0 && done < deed->old_length;) {
        ssize_t n = pread((int)reader, deed->old_bytes + done, deed->old_length - done, offset + (off_t)done);
        if (n <= 0) complain("can't read what is overwritten");
        done += (size_t)n;
    }
    if (reader >= 0) syscall(SYS_close, (int)reader);
    deed->earlier = last_deed;
    *(last_deed ? &last_deed->later : &first_deed) = deed;
    return last_deed = deed;
}

static ssize_t write_at(int fd, const void *bytes, size_t length, off_t offset, bool is_positioned) {
    pthread_mutex_lock(&lock);
    ssize_t n = -1;
    enum action now = fault_of(WRITE);
    if (now == TEAR) {
        if (is_positioned ? syscall(SYS_pwrite64, fd, bytes, length / 2, offset) < 0
                          : syscall(SYS_write, fd, bytes, length / 2) < 0)
            complain("can't tear a write");
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
    if (now == NONE) {
        if (!is_positioned) offset = lseek(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
        struct deed *deed = note(fd, false, offset, bytes, length);
        n = is_positioned ? syscall(SYS_pwrite64, fd, bytes, length, offset) : syscall(SYS_write, fd, bytes, length);
        int error = errno;
        if (n < 0) forget(deed);
        else deed->length = (size_t)n < length ? (size_t)n : length;
        errno = error;
    }
    pthread_mutex_unlock(&lock);
    return n;
}

static int sync_file(int fd, long call) {
    int file = ours(fd);
    if (file < 0) return (int)syscall(call, fd);
    pthread_mutex_lock(&lock);
    int result = -1;
    enum action now = fault_of(files[file].is_directory ? DIRSYNC : SYNC);
    if (now == TEAR) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
    if (now == NONE) {
        /* Without a sync of the real disk: that would only be slow. */
        result = 0;
        forget_deeds(file);
        for (int f = 0; f < file_count && files[file].is_directory; f++) {
            const char *slash = strrchr(files[f].path, '/');
            size_t length = strlen(files[file].path);
            if ((size_t)(slash - files[f].path) == length && !strncmp(files[f].path, files[file].path, length))
                files[f].is_new = false;
        }
    }
    pthread_mutex_unlock(&lock);
    return result;
}

static int truncate_file(int fd, off_t size) {
    if (ours(fd) < 0) return (int)syscall(SYS_ftruncate, fd, size);
    pthread_mutex_lock(&lock);
    int result = -1;
    enum action now = fault_of(TRUNCATE);
    if (now == TEAR) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
    if (now == NONE) {
        note(fd, true, size, NULL, 0);
        result = (int)syscall(SYS_ftruncate, fd, size);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

/* Finds out whether the file is below the directory. */
static void opened(int fd, bool is_new) {
    char link[64], path[PATH_MAX];
    if (fd < 0 || fd >= MAX_FDS || !*directory) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return;
    path[length] = 0;
    size_t prefix = strlen(directory);
    bool is_inside = !strncmp(path, directory, prefix) && (path[prefix] == '/' || !path[prefix]);
    struct stat status;
    pthread_mutex_lock(&lock);
    file_of[fd] = 0;
    if (is_inside && fstat(fd, &status) == 0) {
        int file = 0;
        while (file < file_count && (files[file].inode != status.st_ino || files[file].device != status.st_dev)) file++;
        if (file == MAX_FILES) complain("too many files");
        if (file == file_count) {
            file_count++;
            files[file].device = status.st_dev;
            files[file].inode = status.st_ino;
            files[file].is_directory = S_ISDIR(status.st_mode);
        }
        if (is_new) {
            files[file].is_new = true;
            forget_deeds(file); /* of a removed file whose number is used again */
        }
        memcpy(files[file].path, path, (size_t)length + 1);
        file_of[fd] = (short)(file + 1);
    }
    pthread_mutex_unlock(&lock);
}

static int open_at(int at, const char *path, int flags, mode_t mode) {
    bool is_new = flags & O_CREAT && syscall(SYS_faccessat, at, path, F_OK) != 0;
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    int error = errno;
    opened(fd, is_new);
    errno = error;
    return fd;
}

#define MODE(flags, mode, last)                                  \
    mode_t mode = 0;                                             \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {                     \
        va_list list;                                            \
        va_start(list, last);                                    \
        mode = va_arg(list, mode_t);                             \
        va_end(list);                                            \
    }

int open(const char *path, int flags, ...) {
    MODE(flags, mode, flags)
    return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE(flags, mode, flags)
    return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...) {
    MODE(flags, mode, flags)
    return open_at(at, path, flags, mode);
}

int openat64(int at, const char *path, int flags, ...) {
    MODE(flags, mode, flags)
    return open_at(at, path, flags, mode);
}

int close(int fd) {
    if (ours(fd) >= 0) {
        pthread_mutex_lock(&lock);
        file_of[fd] = 0;
        pthread_mutex_unlock(&lock);
    }
    return (int)syscall(SYS_close, fd);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    return ours(fd) < 0 ? syscall(SYS_pwrite64, fd, bytes, length, offset) : write_at(fd, bytes, length, offset, true);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    return pwrite(fd, bytes, length, offset);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    return ours(fd) < 0 ? syscall(SYS_write, fd, bytes, length) : write_at(fd, bytes, length, 0, false);
}

int fsync(int fd) { return sync_file(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }
int ftruncate(int fd, off_t size) { return truncate_file(fd, size); }
int ftruncate64(int fd, off64_t size) { return truncate_file(fd, size); }
