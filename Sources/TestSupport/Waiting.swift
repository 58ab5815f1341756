internal import Glibc

/// Waits until `condition` holds; false if it doesn't within the time. For what another thread or process does, where
/// there is nothing to wait on.
public func eventually(within seconds: Int = 20, _ condition: () throws -> Bool) rethrows -> Bool {
    var start = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &start)
    while try !condition() {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        if now.tv_sec - start.tv_sec > seconds { return false }
        usleep(500)
    }
    return true
}

/// How many descriptors this process has open. The runtime opens some for itself (timers, its own epoll) when it likes:
/// tell leaks by their number over many rounds.
public func openDescriptorCount() -> Int {
    guard let directory = unsafe opendir("/proc/self/fd") else { return -1 }
    defer { unsafe closedir(directory) }
    var count = 0
    while unsafe readdir(directory) != nil { count += 1 }
    // Without ".", ".." and the descriptor that reads the directory.
    return count - 3
}
