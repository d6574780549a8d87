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
static inline int drnet_mpi_allreduce_min_double(double *values, int count) {
    return MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_DOUBLE, MPI_MIN, MPI_COMM_WORLD);
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

// Messages between two ranks, on a communicator of their own. MPI_Comm and MPI_Request have different types in each MPI library. The
// caller provides memory for them: `drnet_mpi_communicator_bytes` for a communicator, and `drnet_mpi_request_bytes` for each request.
static inline int drnet_mpi_communicator_bytes(void) { return (int)sizeof(MPI_Comm); }
static inline int drnet_mpi_request_bytes(void) { return (int)sizeof(MPI_Request); }
static inline int drnet_mpi_copy_communicator(void *copy) { return MPI_Comm_dup(MPI_COMM_WORLD, (MPI_Comm *)copy); }
static inline int drnet_mpi_free_communicator(void *communicator) { return MPI_Comm_free((MPI_Comm *)communicator); }
static inline int drnet_mpi_start_send(const void *bytes, int count, int to, int tag, void *communicator, void *request) {
    return MPI_Isend(bytes, count, MPI_BYTE, to, tag, *(MPI_Comm *)communicator, (MPI_Request *)request);
}
static inline int drnet_mpi_start_receive(void *bytes, int count, int from, int tag, void *communicator, void *request) {
    return MPI_Irecv(bytes, count, MPI_BYTE, from, tag, *(MPI_Comm *)communicator, (MPI_Request *)request);
}
static inline int drnet_mpi_test_all(int count, void *requests, int *done) {
    return MPI_Testall(count, (MPI_Request *)requests, done, MPI_STATUSES_IGNORE);
}
