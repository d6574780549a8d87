import COpenMPI
import Foundation

/// Prints each call of MPI_Abort, then forwards it to the library. Tests need this, because mpirun does not always report the call.
///
/// It uses MPI's profiling interface: a program can define MPI_Abort itself, and the library's function is also available as PMPI_Abort.
@_cdecl("MPI_Abort")
func observedAbort(_ communicator: MPI_Comm, _ status: Int32) -> Int32 {
    FileHandle.standardError.write(Data("communication-check: MPI_Abort(\(status))\n".utf8))
    return PMPI_Abort(communicator, status)
}
