using System.Runtime.CompilerServices;

namespace MoEActors.Native.Cuda.Bindings;

/// <summary><c>CUresult</c>: the statuses that this project tells apart.</summary>
internal enum CudaResult
{
    Success = 0,
    InvalidValue = 1,
    OutOfMemory = 2,
    NotInitialized = 3,
    Deinitialized = 4,
    NoDevice = 100,
    InvalidDevice = 101,
    NotReady = 600,
    IllegalAddress = 700,
    SystemDriverMismatch = 803,
}

/// <summary><c>CUdevice_attribute</c>.</summary>
internal enum DeviceAttribute
{
    MultiprocessorCount = 16,
    ComputeCapabilityMajor = 75,
    ComputeCapabilityMinor = 76,
    MaxSharedMemoryPerBlockOptIn = 97,
    MemoryPoolsSupported = 115,
}

/// <summary><c>CUfunction_attribute</c>.</summary>
internal enum FunctionAttribute
{
    SharedSizeBytes = 1,
    LocalSizeBytes = 3,
    NumRegs = 4,
    MaxDynamicSharedSizeBytes = 8,
}

/// <summary><c>CUmemPool_attribute</c>.</summary>
internal enum MemPoolAttribute
{
    ReleaseThreshold = 4,
}

/// <summary>Flags of streams and events.</summary>
internal static class DriverFlags
{
    /// <summary><c>CU_STREAM_NON_BLOCKING</c>: no implicit order with the default stream.</summary>
    public const uint StreamNonBlocking = 1;

    /// <summary><c>CU_EVENT_DEFAULT</c>: with a time.</summary>
    public const uint EventTimed = 0;

    /// <summary><c>CU_EVENT_DISABLE_TIMING</c>: cheaper, for waits alone.</summary>
    public const uint EventUntimed = 2;
}

/// <summary><c>CUuuid</c>: 16 bytes.</summary>
[InlineArray(16)]
internal struct CudaUuid
{
    private byte _first;
}
