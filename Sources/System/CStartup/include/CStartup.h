// Checks of the processor that run before the program. The executables link this target and call nothing in it: startup.c has a
// constructor, which runs before `main` and before any Swift code. The libraries do not link it.
