private import CMemory

/// Asks the processor to load `bytes` from `address` on, and doesn't wait for them.
@usableFromInline @unsafe
func fetch(_ address: UnsafeRawPointer, bytes: Int) { unsafe fibd_prefetch(address, bytes) }
