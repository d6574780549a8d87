#define _GNU_SOURCE
#include "CCrashRecord.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { pathSize = 4096, headSize = 2048, positionSize = 1024 };

static char folder[pathSize];
static char path[pathSize];
static char head[headSize];
// The position is written into one buffer while a handler can read the other.
static char positions[2][positionSize];
static atomic_int current;
static atomic_flag positionIsBusy = ATOMIC_FLAG_INIT;
static atomic_int isPrepared;
static atomic_flag isWritten = ATOMIC_FLAG_INIT;

static const struct {
    int number;
    const char *reason;
} fatal[] = {
    {SIGSEGV, "\"kind\":\"signal\",\"reason\":\"SIGSEGV: an access to memory that is not the process's\""},
    {SIGBUS, "\"kind\":\"signal\",\"reason\":\"SIGBUS: memory that cannot be reached, such as a mapped file that became shorter\""},
    {SIGILL, "\"kind\":\"signal\",\"reason\":\"SIGILL: a failed check of the program, or an instruction that the processor lacks\""},
    {SIGTRAP, "\"kind\":\"signal\",\"reason\":\"SIGTRAP: a failed check of the program\""},
    {SIGABRT, "\"kind\":\"signal\",\"reason\":\"SIGABRT: a library of the program gave up\""},
    {SIGFPE, "\"kind\":\"signal\",\"reason\":\"SIGFPE: an impossible operation on whole numbers\""},
};
enum { fatalCount = sizeof fatal / sizeof fatal[0] };
static struct sigaction earlier[fatalCount];

static void copy(char *target, const char *source, size_t capacity) {
    size_t length = strlen(source);
    if (length >= capacity) length = capacity - 1;
    memcpy(target, source, length);
    target[length] = 0;
}

static void append(int file, const char *text) {
    size_t length = strlen(text);
    while (length > 0) {
        ssize_t written = write(file, text, length);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        text += written;
        length -= (size_t)written;
    }
}

static void appendNumber(char *target, long value, int digits) {
    for (int index = digits - 1; index >= 0; index--) {
        target[index] = (char)('0' + value % 10);
        value /= 10;
    }
}

// The present time in the form of ISO 8601, in UTC. gmtime is not async-signal-safe. The date is computed in eras of 400 years.
static void formatTime(char *text) {
    long seconds = (long)time(0);
    long days = seconds / 86400 + 719468, rest = seconds % 86400;
    long era = days / 146097, day = days % 146097;
    long year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    long dayOfYear = day - (365 * year + year / 4 - year / 100);
    long shifted = (5 * dayOfYear + 2) / 153;
    long month = shifted < 10 ? shifted + 3 : shifted - 9;
    copy(text, "0000-00-00T00:00:00Z", 21);
    appendNumber(text, year + era * 400 + (month <= 2), 4);
    appendNumber(text + 5, month, 2);
    appendNumber(text + 8, dayOfYear - (153 * shifted + 2) / 5 + 1, 2);
    appendNumber(text + 11, rest / 3600, 2);
    appendNumber(text + 14, rest / 60 % 60, 2);
    appendNumber(text + 17, rest % 60, 2);
}

int drnet_crash_write(const char *reason) {
    if (!atomic_load(&isPrepared) || atomic_flag_test_and_set(&isWritten)) return 0;
    char now[24];
    formatTime(now);
    mkdir(folder, 0777);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) return 0;
    append(file, "{");
    append(file, head);
    append(file, ",");
    const char *position = positions[atomic_load(&current)];
    append(file, position);
    append(file, *position ? "," : "");
    append(file, reason);
    append(file, ",\"time\":\"");
    append(file, now);
    append(file, "\"}\n");
    int isComplete = fsync(file) == 0;
    close(file);
    return isComplete;
}

static void handle(int number, siginfo_t *information, void *context) {
    (void)context;
    int code = errno;
    for (int index = 0; index < fatalCount; index++) {
        if (fatal[index].number != number) continue;
        drnet_crash_write(fatal[index].reason);
        // The signal is blocked here. It arrives again when this function returns, and then takes its earlier course. Handlers of other
        // libraries return, and rely on the fault to happen again. A signal that a process sent does not happen again.
        struct sigaction ending;
        memset(&ending, 0, sizeof ending);
        ending.sa_handler = SIG_DFL;
        int wasSent = information->si_code <= 0 && number != SIGABRT;
        sigaction(number, wasSent ? &ending : &earlier[index], 0);
        raise(number);
    }
    errno = code;
}

void drnet_crash_prepare(const char *newFolder, const char *newPath, const char *newHead) {
    if (strlen(newFolder) >= pathSize || strlen(newPath) >= pathSize || strlen(newHead) >= headSize) return;
    copy(folder, newFolder, sizeof folder);
    copy(path, newPath, sizeof path);
    copy(head, newHead, sizeof head);
    if (atomic_exchange(&isPrepared, 1)) return;
    static char stack[64 << 10];
    stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&own, 0);
    for (int index = 0; index < fatalCount; index++) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_sigaction = handle;
        action.sa_flags = SA_ONSTACK | SA_SIGINFO;
        sigemptyset(&action.sa_mask);
        sigaction(fatal[index].number, &action, &earlier[index]);
    }
}

void drnet_crash_position(const char *members) {
    // A second thread that sets the position at the same time loses its value. The next one follows soon.
    if (atomic_flag_test_and_set(&positionIsBusy)) return;
    int next = 1 - atomic_load(&current);
    copy(positions[next], members, positionSize);
    atomic_store(&current, next);
    atomic_flag_clear(&positionIsBusy);
}
