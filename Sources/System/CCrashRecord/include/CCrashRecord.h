// Writes the crash record of a process: one JSON line that says where the process was and why it ended. It exists because a handler of
// SIGSEGV can only call async-signal-safe functions, and Swift code can allocate memory at any place.
#ifndef CCRASH_RECORD_H
#define CCRASH_RECORD_H

// Sets what the record begins with, and installs handlers of fatal signals. The handlers write the record and then let the signal take
// its course. Call it from the main thread, which gets a stack of its own for the handlers.
//
// folder: created when a record is written. path: of the record, in that folder. head: the first members of a JSON object, without braces.
void drnet_crash_prepare(const char *folder, const char *path, const char *head);

// Sets the members that say where the process is. They can change at any time, from any thread.
void drnet_crash_position(const char *members);

// Writes the record. Only the first record of a process is written. reason: members of a JSON object.
// Returns 1 if the record is on disk.
int drnet_crash_write(const char *reason);

#endif
