internal import Glibc

/// The number of files that this process, and programs that it starts, may have open from now on: as many as `wanted`
/// where the system allows it.
public func raiseDescriptorLimit(to wanted: Int) -> Int {
    let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard unsafe getrlimit(kind, &limit) == 0 else { return 0 }
    if limit.rlim_cur < wanted {
        limit.rlim_cur = min(limit.rlim_max, rlim_t(wanted))
        unsafe setrlimit(kind, &limit)
        unsafe getrlimit(kind, &limit)
    }
    return Int(clamping: limit.rlim_cur)
}

/// Lets no file of this process grow beyond so many bytes, or any number if nil: what comes after that fails, as on a full
/// disk.
public func limitFileSize(to bytes: Int?) {
    signal(SIGXFSZ, SIG_IGN)
    let kind = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
    var limit = rlimit()
    guard unsafe getrlimit(kind, &limit) == 0 else { return }
    limit.rlim_cur = bytes.map { rlim_t($0) } ?? limit.rlim_max
    unsafe setrlimit(kind, &limit)
}

/// Bytes of address space that this process has mapped.
public func mappedBytes() -> Int {
    guard let file = unsafe fopen("/proc/self/statm", "r") else { return 0 }
    defer { unsafe fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard unsafe fgets(&line, Int32(line.count), file) != nil else { return 0 }
    let digits = line.prefix { $0 >= 48 && $0 <= 57 }
    return digits.reduce(0) { $0 * 10 + Int($1 - 48) } * Int(sysconf(Int32(_SC_PAGESIZE)))
}
