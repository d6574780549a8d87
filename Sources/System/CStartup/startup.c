// Ends the program with a message if it was compiled for instructions that this processor lacks. Without this check, the program would be
// killed by SIGILL at the first such instruction, which can be in any module.
//
// The flags -Xcc -mavx2 -Xcc -mfma (launch/flags) apply to C and to Swift alike, so the macros below describe the Swift code, too. This
// file itself must contain no AVX instruction: the attribute removes the flags from its functions.

#define _GNU_SOURCE
#include "CStartup.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)

#if defined(__GLIBC__)
#define PROGRAM program_invocation_short_name
#else
#define PROGRAM "drnet"
#endif

#pragma clang attribute push(__attribute__((target("no-avx,no-avx2,no-fma"))), apply_to = function)

#if defined(__AVX2__) || defined(__FMA__)

// Tests set this variable to names of features, such as "AVX2": the check then treats them as missing. Nothing else reads it.
static const char missingForTests[] = "DRNET_TEST_MISSING_FEATURES";

// Appends a feature's name to a list if this processor, or a test, lacks the feature.
static void check(const char *name, int isSupported, char *list, size_t capacity) {
    const char *pretended = getenv(missingForTests);
    if (isSupported && !(pretended && strstr(pretended, name))) return;
    size_t length = strlen(list);
    snprintf(list + length, capacity - length, "%s%s", length > 0 ? " and " : "", name);
}

// 101 is the lowest priority number that programs can use. This constructor runs before all others of the program.
__attribute__((constructor(101))) static void requireProcessor(void) {
    char missing[64] = "";
    __builtin_cpu_init();
#if defined(__AVX2__)
    check("AVX2", __builtin_cpu_supports("avx2"), missing, sizeof missing);
#endif
#if defined(__FMA__)
    check("FMA", __builtin_cpu_supports("fma"), missing, sizeof missing);
#endif
    if (missing[0] == 0) return;
    dprintf(
        STDERR_FILENO,
        "%s: this processor lacks %s, and the program was compiled for it. "
        "Build without these instructions: swift build -c release --product %s\n",
        PROGRAM, missing, PROGRAM);
    // Status 1, as for any other error. The destructors and exit handlers of the program do not run: they can contain AVX instructions.
    _exit(1);
}

#else

// Under mpirun and srun, only the first rank prints.
static int isOtherRank(const char *variable) {
    const char *rank = getenv(variable);
    return rank && strcmp(rank, "0") != 0;
}

__attribute__((constructor(101))) static void adviseOnBuild(void) {
    if (isOtherRank("OMPI_COMM_WORLD_RANK") || isOtherRank("PMIX_RANK")) return;
    dprintf(
        STDERR_FILENO,
        "%s: built without AVX2 and FMA, so it computes slowly. "
        "Build with launch/build, or: swift build -c release -Xcc -mavx2 -Xcc -mfma --product %s\n",
        PROGRAM, PROGRAM);
}

#endif

#pragma clang attribute pop

#endif
