#include "CMongoCounters.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* As it is loaded, libmongoc puts its counters into shared memory under the process's id, and takes that file away in an orderly
 * exit only. Control planes get killed: the files would add up, and a later process of the same id would begin with a warning.
 * Without its name the memory goes with the process, however that ends. Libraries are initialised before the program's own
 * constructors, so the file is there by now. */
__attribute__((constructor)) static void unlink_counters(void) {
    char name[32];
    snprintf(name, sizeof name, "/mongoc-%d", (int) getpid());
    shm_unlink(name);
}
