// Inline wrappers of MPI calls. Swift cannot import MPI's handles (MPI_COMM_WORLD, MPI_FLOAT, …), because they are macros. The wrappers
// have no logic. They return MPI's error code, and Communication/MPICommunicator.swift converts the code to a thrown error.
#include <mpi.h>

static inline int drnet_mpi_init(int required, int *provided) {
    int code = MPI_Init_thread(0, 0, required, provided);
    if (code == MPI_SUCCESS) code = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    return code;
}
static inline int drnet_mpi_rank(int *rank) { return MPI_Comm_rank(MPI_COMM_WORLD, rank); }
static inline int drnet_mpi_size(int *size) { return MPI_Comm_size(MPI_COMM_WORLD, size); }
static inline int drnet_mpi_allreduce_float(float *values, int count) {
    return MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
}
static inline int drnet_mpi_allreduce_double(double *values, int count) {
    return MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
}
static inline int drnet_mpi_broadcast_bytes(void *bytes, int count, int root) {
    return MPI_Bcast(bytes, count, MPI_BYTE, root, MPI_COMM_WORLD);
}
static inline int drnet_mpi_allgather_bytes(const void *bytes, int count, void *all) {
    return MPI_Allgather(bytes, count, MPI_BYTE, all, count, MPI_BYTE, MPI_COMM_WORLD);
}
static inline int drnet_mpi_alltoallv_float(
    const float *values, const int *counts, const int *offsets, float *received, const int *received_counts, const int *received_offsets) {
    return MPI_Alltoallv(
        values, counts, offsets, MPI_FLOAT, received, received_counts, received_offsets, MPI_FLOAT, MPI_COMM_WORLD);
}
static inline int drnet_mpi_barrier(void) { return MPI_Barrier(MPI_COMM_WORLD); }
static inline int drnet_mpi_finalize(void) { return MPI_Finalize(); }
static inline int drnet_mpi_abort(int status) { return MPI_Abort(MPI_COMM_WORLD, status); }
// Whether this is MPICH or a library derived from it, such as Intel MPI. Their launchers describe a job by other variables.
static inline int drnet_mpi_is_mpich(void) {
#if defined(MPICH_VERSION) || defined(I_MPI_VERSION) || defined(MVAPICH_VERSION)
    return 1;
#else
    return 0;
#endif
}
static inline int drnet_mpi_thread_serialized(void) { return MPI_THREAD_SERIALIZED; }
static inline int drnet_mpi_thread_multiple(void) { return MPI_THREAD_MULTIPLE; }
static inline int drnet_mpi_max_error_string(void) { return MPI_MAX_ERROR_STRING; }
static inline int drnet_mpi_error_string(int code, char *text) {
    int length = 0;
    return MPI_Error_string(code, text, &length);
}
static inline int drnet_mpi_max_library_version_string(void) { return MPI_MAX_LIBRARY_VERSION_STRING; }
static inline int drnet_mpi_library_version(char *text) {
    int length = 0;
    return MPI_Get_library_version(text, &length);
}
