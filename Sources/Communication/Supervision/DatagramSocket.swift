import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An IPv4 address and a port.
struct DatagramAddress: Equatable {
    fileprivate var raw: sockaddr_in

    /// - Parameters:
    ///   - text: such as "10.0.0.1". Other texts give nil.
    ///   - port: in the order of the machine.
    init?(_ text: String, port: UInt16) {
        raw = sockaddr_in()
        raw.sin_family = sa_family_t(AF_INET)
        raw.sin_port = port.bigEndian
        guard inet_pton(AF_INET, text, &raw.sin_addr) == 1 else { return nil }
    }

    fileprivate init(_ raw: sockaddr_in) { self.raw = raw }

    static func == (a: DatagramAddress, b: DatagramAddress) -> Bool {
        a.raw.sin_addr.s_addr == b.raw.sin_addr.s_addr && a.raw.sin_port == b.raw.sin_port
    }

    /// The most addresses of a host that are tried.
    private static let most = 8

    /// The addresses of this host's interfaces that are up, without the loopback.
    static func ownInterfaces() -> [String] {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        var texts: [String] = []
        var next = first
        while let interface = next?.pointee {
            next = interface.ifa_next
            let flags = Int32(bitPattern: interface.ifa_flags)
            guard let address = interface.ifa_addr, address.pointee.sa_family == sa_family_t(AF_INET),
                flags & Int32(upFlag) != 0, flags & Int32(loopbackFlag) == 0
            else { continue }
            var text = [CChar](repeating: 0, count: Int(INET_ADDRSTRLEN))
            let isText = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                inet_ntop(AF_INET, &$0.pointee.sin_addr, &text, socklen_t(text.count)) != nil
            }
            if isText { texts.append(text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }) }
        }
        return Array(texts.prefix(most))
    }

    /// IFF_UP and IFF_LOOPBACK, which are an enumeration in one C library and macros in another.
    private static let (upFlag, loopbackFlag) = (0x1, 0x8)
}

/// A port for datagrams. Nothing waits in it, except in `wait`.
final class DatagramSocket {
    private let descriptor: Int32
    let port: UInt16

    /// Nil if the system refuses a port.
    init?() {
        #if canImport(Glibc)
            let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        #else
            let descriptor = socket(AF_INET, SOCK_DGRAM, 0)
        #endif
        self.descriptor = descriptor
        guard descriptor >= 0 else { return nil }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isBound else {
            systemClose(descriptor)
            return nil
        }
        #if os(Linux)
            var on: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_IP), Self.receiveErrors, &on, socklen_t(MemoryLayout<Int32>.size))
        #endif
    }

    func close() { systemClose(descriptor) }

    /// Waits until a message or an error arrives, at most for a time.
    func wait(seconds: Double) {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let result = poll(&request, 1, Int32((seconds * 1000).rounded(.up)))
        // Without this, a port that the system closed would make the caller spin.
        if result < 0 || request.revents & Int16(POLLNVAL) != 0 { Thread.sleep(forTimeInterval: min(seconds, 0.05)) }
    }

    func send(_ data: Data, to address: DatagramAddress) {
        var raw = address.raw
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        data.withUnsafeBytes { bytes in
            withUnsafePointer(to: &raw) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { target in
                    // An error of an earlier message can be reported here. The message is then not sent.
                    if sendto(descriptor, bytes.baseAddress, bytes.count, 0, target, size) < 0 {
                        _ = sendto(descriptor, bytes.baseAddress, bytes.count, 0, target, size)
                    }
                }
            }
        }
    }

    /// The next message that has arrived; nil if there is none.
    func receive() -> (Data, DatagramAddress)? {
        var buffer = [UInt8](repeating: 0, count: 65536)
        // Each error of an earlier message can take the place of one call.
        for _ in 0..<64 {
            var address = sockaddr_in()
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let count = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { recvfrom(descriptor, &buffer, buffer.count, 0, $0, &size) }
            }
            if count >= 0 { return (Data(buffer[..<count]), DatagramAddress(address)) }
            if errno == EAGAIN || errno == EBADF { return nil }
        }
        return nil
    }

    /// The messages that could not be delivered: where they were sent to, and the value of `errno`. Linux only.
    func failures() -> [(DatagramAddress, Int32)] {
        #if os(Linux)
            var result: [(DatagramAddress, Int32)] = []
            while result.count < 1024, let failure = nextFailure() { result.append(failure) }
            return result
        #else
            return []
        #endif
    }

    #if os(Linux)
        /// IP_RECVERR and MSG_ERRQUEUE of <linux/in.h> and <bits/socket.h>.
        private static let receiveErrors: Int32 = 11
        private static let errorQueue: Int32 = 0x2000

        /// Reads one entry of the socket's queue of errors. Its control message is a `cmsghdr` of 16 bytes and a `sock_extended_err`, which
        /// begins with the value of `errno`.
        private func nextFailure() -> (DatagramAddress, Int32)? {
            var address = sockaddr_in()
            var control = [UInt8](repeating: 0, count: 512)
            var payload = [UInt8](repeating: 0, count: 16)
            let count = withUnsafeMutablePointer(to: &address) { name in
                control.withUnsafeMutableBytes { control in
                    payload.withUnsafeMutableBytes { payload in
                        var vector = iovec(iov_base: payload.baseAddress, iov_len: payload.count)
                        return withUnsafeMutablePointer(to: &vector) { vector in
                            var header = msghdr()
                            header.msg_name = UnsafeMutableRawPointer(name)
                            header.msg_namelen = socklen_t(MemoryLayout<sockaddr_in>.size)
                            header.msg_iov = vector
                            header.msg_iovlen = 1
                            header.msg_control = control.baseAddress
                            header.msg_controllen = control.count
                            return recvmsg(descriptor, &header, Self.errorQueue) < 0 ? -1 : Int(header.msg_controllen)
                        }
                    }
                }
            }
            guard count >= 20 else { return nil }
            let code = control.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 16, as: UInt32.self) }
            return (DatagramAddress(address), Int32(bitPattern: code))
        }
    #endif
}

/// The system call. Inside of `DatagramSocket`, the name `close` means its own method.
private func systemClose(_ descriptor: Int32) { close(descriptor) }
