using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MoEActors.Native.Cuda;
using MoEActors.Native.Cuda.Bindings;
using MoEActors.Native.Memory;
using MoEActors.Native.Nccl.Bindings;
using MoEActors.Tests.CudaEmulation;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.NcclEmulation;

/// <summary>The bindings of NCCL: layouts of what is passed, and every function against the emulation, which is written against the vendor's header.</summary>
[Collection(CudaCollection.Name)]
public sealed unsafe partial class NcclFunctionTests
{
    [Fact]
    public void Structures_lie_as_in_the_vendors_header()
    {
        Assert.Equal(128, Unsafe.SizeOf<NcclUniqueId>());

        // Up to the end of what NCCL 2.18 knew, and the four bytes to a multiple of eight.
        Assert.Equal(48, Unsafe.SizeOf<NcclConfig>());
        NcclConfig config = NcclConfig.NonBlocking;
        byte* begin = (byte*)&config;
        Assert.Equal(
            new long[] { 0, 8, 12, 16, 20, 24, 28, 32, 40 },
            new[]
            {
                (byte*)&config.Size - begin, (byte*)&config.Magic - begin, (byte*)&config.Version - begin, (byte*)&config.Blocking - begin,
                (byte*)&config.CgaClusterSize - begin, (byte*)&config.MinCtas - begin, (byte*)&config.MaxCtas - begin, (byte*)&config.NetName - begin,
                (byte*)&config.SplitShare - begin,
            });
        Assert.Equal((48u, 0xCAFEBEEF, 21800u), ((uint)config.Size, config.Magic, config.Version));
        Assert.All(new[] { config.CgaClusterSize, config.MinCtas, config.MaxCtas, config.SplitShare }, undefined => Assert.Equal(int.MinValue, undefined));
    }

    [Fact]
    public void The_library_is_found_with_its_version_and_what_newer_ones_have()
    {
        _ = EmulatedNccl.GpuOf(0);
        CudaLibrary library = NcclInstallation.Library;
        Assert.Null(library.Problem);
        Assert.Equal("2.28.7", library.Version);
        Assert.EndsWith("libnccl.so.2", library.Path);
        Assert.Empty(NcclInstallation.Extensions);
    }

    [Fact]
    public void Versions_that_are_too_old_and_functions_that_are_missing_are_named()
    {
        _ = EmulatedNccl.GpuOf(0);
        EmulatedNccl.Claim(21805);
        try
        {
            CudaLibrary library = NcclInstallation.Library;
            Assert.Null(library.Version);
            Assert.Contains("is NCCL 2.18.5; 2.20.0 or newer is needed", library.Problem);
        }
        finally
        {
            EmulatedNccl.Claim(0);
        }

        Assert.Contains(
            "is too old or too new: it does not have ncclCommThatIsToCome",
            CudaLibraries.Report(NcclFunctions.Library, typeof(FunctionsOfTomorrow), () => "").Problem);
    }

    [Theory, InlineData(2), InlineData(3)]
    public void Reductions_add_what_every_rank_gives(int ranks)
    {
        const int Each = 5;
        CudaDevice[] devices = [.. Enumerable.Range(0, ranks).Select(rank => new CudaDevice(EmulatedNccl.GpuOf(rank)))];
        DeviceBuffer[] parts = [.. devices.Select(device => device.Allocate(Each * ranks * sizeof(float)))];
        DeviceBuffer[] sums = [.. devices.Select(device => device.Allocate(Each * ranks * sizeof(float)))];
        DeviceBuffer[] pieces = [.. devices.Select(device => device.Allocate(Each * sizeof(float)))];
        nint[] communicators = Join(devices);
        float ValueOf(int rank, int i) => (rank + 1) * 0.1f + i;
        for (int rank = 0; rank < ranks; rank++)
        {
            int giver = rank;
            devices[rank].Write<float>([.. Enumerable.Range(0, Each * ranks).Select(i => ValueOf(giver, i))], parts[rank].As<float>());
            devices[rank].Gpu.Enter();
            nint stream = devices[rank].Stream.Handle;
            Check(NcclFunctions.AllReduce(
                parts[rank].Address, sums[rank].Address, (nuint)(Each * ranks), NcclType.F32, NcclReduction.Sum, communicators[rank], stream));
            Await(communicators[rank]);
            Check(NcclFunctions.ReduceScatter(
                parts[rank].Address, pieces[rank].Address, Each, NcclType.F32, NcclReduction.Sum, communicators[rank], stream));
            Await(communicators[rank]);
        }

        for (int rank = 0; rank < ranks; rank++)
        {
            float[] all = new float[Each * ranks], mine = new float[Each];
            devices[rank].Read(sums[rank].As<float>(), all);
            devices[rank].Read(pieces[rank].As<float>(), mine);
            for (int i = 0; i < all.Length; i++)
            {
                double expected = Enumerable.Range(0, ranks).Sum(giver => (double)ValueOf(giver, i));
                Assert.Equal(expected, all[i], 1e-5);
            }

            Assert.Equal(all.Skip(rank * Each).Take(Each), mine);
        }

        Leave(communicators, devices);
        foreach (DeviceBuffer buffer in (DeviceBuffer[])[.. parts, .. sums, .. pieces])
        {
            buffer.Dispose();
        }

        Array.ForEach(devices, device => device.Dispose());
    }

    [Fact]
    public void Two_ranks_on_one_gpu_are_refused()
    {
        using var first = new CudaDevice(EmulatedNccl.GpuOf(0));
        using var second = new CudaDevice(EmulatedNccl.GpuOf(0));
        Check(NcclFunctions.GetUniqueId(out NcclUniqueId id));
        first.Gpu.Enter();
        CheckBegun(NcclFunctions.CommInitRankConfig(out nint one, 2, id, 0, NcclConfig.NonBlocking));
        CheckBegun(NcclFunctions.CommInitRankConfig(out nint other, 2, id, 1, NcclConfig.NonBlocking));
        Assert.Equal(NcclResult.InvalidUsage, StateOf(one));
        Assert.Contains("Duplicate GPU", NcclInstallation.InWords(NcclResult.InvalidUsage, one));
        Check(NcclFunctions.CommAbort(one));
        Check(NcclFunctions.CommAbort(other));
    }

    private static nint[] Join(CudaDevice[] devices)
    {
        Check(NcclFunctions.GetUniqueId(out NcclUniqueId id));
        nint[] communicators = new nint[devices.Length];
        for (int rank = 0; rank < devices.Length; rank++)
        {
            devices[rank].Gpu.Enter();
            CheckBegun(NcclFunctions.CommInitRankConfig(out communicators[rank], devices.Length, id, rank, NcclConfig.NonBlocking));
        }

        Array.ForEach(communicators, Await);
        return communicators;
    }

    private static void Leave(nint[] communicators, CudaDevice[] devices)
    {
        for (int rank = 0; rank < devices.Length; rank++)
        {
            devices[rank].Gpu.Enter();
            CheckBegun(NcclFunctions.CommFinalize(communicators[rank]));
            Await(communicators[rank]);
            Check(NcclFunctions.CommDestroy(communicators[rank]));
        }
    }

    private static void Check(NcclResult result) => Assert.True(result is NcclResult.Success or NcclResult.InProgress, $"{result}");

    private static void CheckBegun(NcclResult result) => Assert.Equal(NcclResult.InProgress, result);

    private static void Await(nint communicator) => Assert.Equal(NcclResult.Success, StateOf(communicator));

    /// <summary>What becomes of what was begun.</summary>
    private static NcclResult StateOf(nint communicator)
    {
        NcclResult state = NcclResult.InProgress;
        Assert.True(SpinWait.SpinUntil(
            () => NcclFunctions.CommGetAsyncError(communicator, out state) != NcclResult.Success || state != NcclResult.InProgress, Deadline.Patience));
        return state;
    }

    private static partial class FunctionsOfTomorrow
    {
        [LibraryImport(NcclFunctions.Library, EntryPoint = "ncclCommThatIsToCome")]
        public static partial int ThatIsToCome();
    }
}
