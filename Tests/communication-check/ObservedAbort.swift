import COpenMPI
import Foundation

/// Reports each call of MPI_Abort, then makes it, by MPI's profiling interface: a program's own MPI_Abort takes the place of the library's,
/// whose second name is PMPI_Abort. mpirun's own report does not always appear.
@_cdecl("MPI_Abort")
func observedAbort(_ communicator: OpaquePointer?, _ status: Int32) -> Int32 {
    FileHandle.standardError.write(Data("communication-check: MPI_Abort(\(status))\n".utf8))
    return PMPI_Abort(communicator, status)
}
