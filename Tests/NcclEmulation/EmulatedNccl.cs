using MoEActors.Native.Cuda.Hardware;
using MoEActors.Tests.CudaEmulation;

namespace MoEActors.Tests.NcclEmulation;

/// <summary>What can go wrong with a device's part of NCCL; the numbers are the emulation's.</summary>
internal enum NcclFault
{
    None = 0,
    NeverJoins = 1,
    NeverArrives = 2,
    ArrivesLate = 3,
    AsynchronousError = 4,
    CallFails = 5,

    /// <summary>An abort lasts until the device has done all that is queued on it.</summary>
    AbortWaits = 6,
}

/// <summary>What the emulation counts of a device.</summary>
internal enum NcclCount
{
    Launches = 0,
    Calls = 1,

    /// <summary>Bytes that it gave to other ranks.</summary>
    Bytes = 2,
}

/// <summary>NCCL's part of the emulation, and devices that no other test uses.</summary>
internal static unsafe class EmulatedNccl
{
    /// <summary>The first of eight devices for tests that plant faults and count.</summary>
    private const int FirstDevice = 6;

    private const int Devices = 8;

    /// <summary>Communicators of these devices that have been neither destroyed nor aborted.</summary>
    public static int Living => Enumerable.Range(FirstDevice, Devices)
        .Sum(device => ((delegate* unmanaged<int, int>)EmulatedCuda.Function("moe_nccl_living"))(device));

    /// <summary>The GPU of a rank.</summary>
    public static CudaGpu GpuOf(int rank)
    {
        EmulatedCuda.Require();
        return CudaGpu.Get(FirstDevice + rank);
    }

    /// <summary>The GPU of a rank of a test that runs beside others: nothing is planted or counted there.</summary>
    public static CudaGpu UndisturbedGpuOf(int rank) => GpuOf(Devices + rank);

    /// <summary>Plants a fault with the rank's GPU, from so many launches on, and lets counts begin at nothing.</summary>
    public static void Plant(int rank, NcclFault fault, int after = 0, int value = 0) =>
        ((delegate* unmanaged<int, int, int, int, void>)EmulatedCuda.Function("moe_nccl_plant"))(FirstDevice + rank, (int)fault, after, value);

    /// <summary>Has the library say to this thread that it is another version; 0 for its own.</summary>
    public static void Claim(int version) => ((delegate* unmanaged<int, void>)EmulatedCuda.Function("moe_nccl_claim"))(version);

    /// <summary>What the rank's GPU has done since <see cref="Plant"/>.</summary>
    public static long Count(int rank, NcclCount what) =>
        ((delegate* unmanaged<int, int, long>)EmulatedCuda.Function("moe_nccl_count"))(FirstDevice + rank, (int)what);
}
