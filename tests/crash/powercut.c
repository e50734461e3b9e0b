/*
 * A power cut without a power switch: preloaded, it copies every file under PENSTOCK_TEST_CUT_FROM to
 * PENSTOCK_TEST_CUT_TO each time that the file has been synced. After a SIGKILL those copies are what a disk that
 * keeps nothing unsynced would still hold.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void copy(int from, const char *name) {
    const char *shadows = getenv("PENSTOCK_TEST_CUT_TO");
    char half[PATH_MAX], whole[PATH_MAX], block[65536];
    snprintf(half, sizeof half, "%s/.%s.half", shadows, name);
    snprintf(whole, sizeof whole, "%s/%s", shadows, name);
    int to = open(half, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    off_t at = 0;
    ssize_t got;
    while (to >= 0 && (got = pread(from, block, sizeof block, at)) > 0) {
        if (write(to, block, got) != got) abort();
        at += got;
    }
    close(to);
    rename(half, whole); /* killed before this, the copy before counts, as on a disk */
}

static int synced(const char *call, int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, call);
    const char *watched = getenv("PENSTOCK_TEST_CUT_FROM");
    char link[64], path[PATH_MAX];
    int result = real(fd);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (result == 0 && watched && length > 0) {
        path[length] = 0;
        size_t prefix = strlen(watched);
        if (!strncmp(path, watched, prefix) && path[prefix] == '/' && !strchr(path + prefix + 1, '/'))
            copy(fd, path + prefix + 1);
    }
    return result;
}

int fsync(int fd) { return synced("fsync", fd); }
int fdatasync(int fd) { return synced("fdatasync", fd); }
