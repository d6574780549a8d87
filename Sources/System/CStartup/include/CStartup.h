// Checks the processor before the program runs. The executables link this target but call nothing in it: startup.c has a constructor, which
// runs before `main` and before any Swift code. The libraries do not link this target.
