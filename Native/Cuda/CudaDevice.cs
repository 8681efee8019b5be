using System.Runtime.CompilerServices;
using MoEActors.Native.Cuda.Bindings;
using MoEActors.Native.Cuda.Hardware;
using MoEActors.Native.Cuda.Kernels;
using MoEActors.Native.Cuda.Products;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cuda;

/// <summary>
/// A GPU as a device: one stream, on which operations are queued and done in order. Kernels are this project's own (Native/Cuda/Kernels), products are
/// cuBLASLt's. An operation returns when it is queued; a failure of what was queued appears at the next call that waits. Of the kernel contract it keeps that
/// sums are taken in a fixed order, so that a run repeats itself bit for bit; against the CPU, results agree to a tolerance (docs/gpu.md).
/// </summary>
public sealed unsafe partial class CudaDevice : IDevice
{
    private const string KindOfF32 = "cuda";
    private const string KindOfTF32 = "cuda/tf32";
    private const string KindOfBF16 = "cuda/bf16";

    private readonly CudaStream _stream;
    private readonly PinnedStaging _staging;
    private readonly MatrixProducts _products;
    private readonly KernelLibrary _kernels;
    private readonly CudaPrecision _precision;
    private nint _scratch;
    private long _scratchBytes;
    private long _allocatedBytes;

    /// <summary>The kind of GPUs that round so: their results differ in the last bits from those of others.</summary>
    public static string KindOf(CudaPrecision precision) => precision switch
    {
        CudaPrecision.TF32 => KindOfTF32,
        CudaPrecision.BF16 => KindOfBF16,
        _ => KindOfF32,
    };

    /// <summary>Opens a GPU.</summary>
    /// <param name="gpu">Which; <see cref="CudaGpu.Get"/>.</param>
    /// <param name="precision">How products round their operands.</param>
    /// <exception cref="CudaException">It cannot be used; the message says why.</exception>
    public CudaDevice(CudaGpu gpu, CudaPrecision precision = CudaPrecision.F32)
    {
        ArgumentNullException.ThrowIfNull(gpu);
        Gpu = gpu;
        _precision = precision;
        gpu.Enter();
        _kernels = KernelLibrary.Of(gpu);
        _stream = new CudaStream(gpu);
        _staging = new PinnedStaging(gpu, _stream);
        _products = new MatrixProducts(gpu, _stream, precision == CudaPrecision.TF32);
    }

    /// <summary>The GPU.</summary>
    public CudaGpu Gpu { get; }

    /// <inheritdoc />
    public string Description => $"cuda:{Gpu.Ordinal}, {Gpu.Name} ({Gpu.Architecture}), products in {_precision.ToString().ToLowerInvariant()}";

    /// <inheritdoc />
    public string Kind => KindOf(_precision);

    /// <inheritdoc />
    public ElementType OperandType => _precision == CudaPrecision.BF16 ? ElementType.BF16 : ElementType.F32;

    /// <inheritdoc />
    public bool IsHostMemory => false;

    /// <inheritdoc />
    public long? FreeBytes => Gpu.FreeBytes;

    /// <inheritdoc />
    public TimeSpan HelperTime => TimeSpan.Zero;

    /// <inheritdoc />
    public long AllocatedBytes => Interlocked.Read(ref _allocatedBytes);

    /// <inheritdoc />
    public IDevice OpenContext() => new CudaDevice(Gpu, _precision);

    /// <summary>Compiles and loads all kernels now, several at once, instead of each at its first use.</summary>
    public void LoadKernels() => _kernels.LoadAll();

    /// <summary>What the compiler made of each kernel.</summary>
    public IReadOnlyList<KernelFacts> Kernels()
    {
        Gpu.Enter();
        return
        [
            .. KernelSource.Families.SelectMany(KernelSource.KernelsOf).Select(kernel => new KernelFacts(
                kernel.File, kernel.Function, _kernels.Attribute(kernel, FunctionAttribute.NumRegs), _kernels.Attribute(kernel, FunctionAttribute.SharedSizeBytes),
                _kernels.Attribute(kernel, FunctionAttribute.LocalSizeBytes))),
        ];
    }

    /// <inheritdoc />
    public DeviceBuffer Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Gpu.Enter();
        nint address = AllocateBytes(bytes);

        // Other streams may use it from now on, whatever this one has queued.
        _stream.Synchronize();
        Interlocked.Add(ref _allocatedBytes, bytes);
        return new DeviceBuffer(this, address, bytes);
    }

    void IDeviceMemory.Free(nint address, long bytes)
    {
        Gpu.Enter();
        Interlocked.Add(ref _allocatedBytes, -bytes);

        // After a sticky error nothing can be freed: the memory goes with the process. A device that has been closed frees on the default stream.
        _ = Driver.MemFreeAsync(address, _stream.Handle);
    }

    /// <inheritdoc />
    public void Write<T>(ReadOnlySpan<T> source, DeviceSpan<T> destination)
        where T : unmanaged
    {
        if (source.Length > destination.LongLength)
        {
            throw new ArgumentException($"{source.Length} elements do not fit into {destination.LongLength}.", nameof(source));
        }

        Gpu.Enter();
        long bytes = (long)source.Length * sizeof(T);
        if (bytes == 0)
        {
            return;
        }

        fixed (T* from = source)
        {
            if (bytes <= PinnedStaging.LargestPiece)
            {
                void* staged = _staging.Take((int)bytes);
                Unsafe.CopyBlockUnaligned(staged, from, (uint)bytes);
                CopyIn(destination.Address, staged, bytes);
            }
            else
            {
                CopyIn(destination.Address, from, bytes);
                _stream.Synchronize();
            }
        }
    }

    /// <inheritdoc />
    public void Read<T>(DeviceSpan<T> source, Span<T> destination)
        where T : unmanaged
    {
        if (source.LongLength > destination.Length)
        {
            throw new ArgumentException($"{source.LongLength} elements do not fit into {destination.Length}.", nameof(source));
        }

        Gpu.Enter();
        long bytes = source.LongLength * sizeof(T);
        fixed (T* to = destination)
        {
            if (bytes == 0 || bytes > PinnedStaging.LargestPiece)
            {
                CopyOut(to, source.Address, bytes);
                WaitForStream();
                return;
            }

            void* staged = _staging.Take((int)bytes);
            CopyOut(staged, source.Address, bytes);
            WaitForStream();
            Unsafe.CopyBlockUnaligned(to, staged, (uint)bytes);
        }
    }

    /// <inheritdoc />
    public void Copy<T>(DeviceSpan<T> source, DeviceSpan<T> destination)
        where T : unmanaged
    {
        if (source.LongLength > destination.LongLength)
        {
            throw new ArgumentException($"{source.LongLength} elements do not fit into {destination.LongLength}.", nameof(source));
        }

        if (!source.IsEmpty)
        {
            Gpu.Enter();
            CudaStatus.Check(
                Driver.MemcpyDtoDAsync(destination.Address, source.Address, (nuint)(source.LongLength * sizeof(T)), _stream.Handle), "copying memory", Gpu.Ordinal);
        }
    }

    /// <inheritdoc />
    public void CopyFrom<T>(IDevice owner, DeviceSpan<T> source, DeviceSpan<T> destination)
        where T : unmanaged
    {
        if (owner is not CudaDevice other || other.Gpu == Gpu)
        {
            Copy(source, destination);
            return;
        }

        if (source.LongLength > destination.LongLength)
        {
            throw new ArgumentException($"{source.LongLength} elements do not fit into {destination.LongLength}.", nameof(source));
        }

        if (!source.IsEmpty)
        {
            // The driver goes through the host where the two cannot reach each other.
            Gpu.Enter();
            CudaStatus.Check(
                Driver.MemcpyPeerAsync(
                    destination.Address, Gpu.Context, source.Address, other.Gpu.Context, (nuint)(source.LongLength * sizeof(T)), _stream.Handle),
                $"copying memory of cuda:{other.Gpu.Ordinal}", Gpu.Ordinal);
        }
    }

    /// <inheritdoc />
    public void AddFrom(IDevice owner, DeviceSpan<float> part, DeviceSpan<float> sum)
    {
        if (owner is not CudaDevice other || other.Gpu == Gpu)
        {
            Add(part, sum);
            return;
        }

        DeviceSpan<float> here = Scratch<float>(part.LongLength);
        CopyFrom(owner, part, here);
        Add(here, sum);
    }

    /// <inheritdoc />
    public void Fill(DeviceSpan<float> span, float value)
    {
        if (!span.IsEmpty)
        {
            Gpu.Enter();
            CudaStatus.Check(
                Driver.MemsetD32Async(span.Address, BitConverter.SingleToUInt32Bits(value), (nuint)span.LongLength, _stream.Handle), "filling memory", Gpu.Ordinal);
        }
    }

    /// <inheritdoc />
    public IDeviceSignal NewSignal() => new Signal(this);

    /// <inheritdoc />
    public void Synchronize()
    {
        Gpu.Enter();
        WaitForStream();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Gpu.Enter();
        _products.Dispose();
        if (_scratch != 0)
        {
            _ = Driver.MemFreeAsync(_scratch, _stream.Handle);
            _scratch = 0;
        }

        _ = Driver.StreamSynchronize(_stream.Handle);
        _staging.Dispose();
        _stream.Dispose();
    }

    /// <summary>An event of this device's stream.</summary>
    private sealed class Signal(CudaDevice owner) : IDeviceSignal
    {
        private readonly CudaEvent _event = new(owner.Gpu, isTimed: false);

        public void Set()
        {
            owner.Gpu.Enter();
            _event.Record(owner._stream);
        }

        public void AwaitOn(IDevice waiting)
        {
            var other = (CudaDevice)waiting;
            other.Gpu.Enter();
            other._stream.WaitFor(_event);
        }

        public void Dispose() => _event.Dispose();
    }

    /// <summary>Queues a kernel; none where there is no block.</summary>
    private void Launch<T>(KernelName kernel, LaunchShape shape, in T parameters)
        where T : unmanaged
    {
        if (shape.Blocks == 0 || shape.BlocksY == 0)
        {
            return;
        }

        Gpu.Enter();
        nint function = _kernels.Function(kernel, shape.SharedBytes);
        fixed (T* pointer = &parameters)
        {
            void* argument = pointer;
            CudaStatus.Check(
                Driver.LaunchKernel(
                    function, (uint)shape.Blocks, (uint)shape.BlocksY, 1, (uint)shape.Threads, 1, 1, (uint)shape.SharedBytes, _stream.Handle, &argument, null),
                $"starting {kernel.Function} with {shape.Blocks}×{shape.BlocksY} blocks of {shape.Threads} threads", Gpu.Ordinal);
        }
    }

    /// <summary>Working memory, of undefined content, until the next call: it grows to the largest need and is not counted as allocated.</summary>
    private DeviceSpan<T> Scratch<T>(long count)
        where T : unmanaged
    {
        long bytes = count * sizeof(T);
        if (bytes > _scratchBytes)
        {
            Gpu.Enter();
            if (_scratch != 0)
            {
                CudaStatus.Check(Driver.MemFreeAsync(_scratch, _stream.Handle), "freeing scratch memory", Gpu.Ordinal);
                _scratch = 0;
                _scratchBytes = 0;
            }

            _scratch = AllocateBytes(bytes);
            _scratchBytes = bytes;
        }

        return new DeviceSpan<T>(_scratch, count);
    }

    private nint AllocateBytes(long bytes)
    {
        CudaStatus.Check(Driver.MemAllocAsync(out nint address, (nuint)Math.Max(bytes, 1), _stream.Handle), $"allocating {bytes:N0} bytes", Gpu.Ordinal);
        return address;
    }

    private void CopyIn(nint destination, void* source, long bytes) =>
        CudaStatus.Check(Driver.MemcpyHtoDAsync(destination, source, (nuint)bytes, _stream.Handle), "copying to the GPU", Gpu.Ordinal);

    private void CopyOut(void* destination, nint source, long bytes)
    {
        if (bytes > 0)
        {
            CudaStatus.Check(Driver.MemcpyDtoHAsync(destination, source, (nuint)bytes, _stream.Handle), "copying from the GPU", Gpu.Ordinal);
        }
    }
}

/// <summary>A kernel as it was compiled.</summary>
/// <param name="Family">Its file, without ending.</param>
/// <param name="Function">Its name.</param>
/// <param name="Registers">Registers of a thread.</param>
/// <param name="SharedBytes">Shared memory of a block that it declares.</param>
/// <param name="LocalBytes">Memory of a thread for what found no register, or is indexed at run time.</param>
public sealed record KernelFacts(string Family, string Function, int Registers, int SharedBytes, int LocalBytes);

/// <summary>How products on a GPU round their operands; sums are in fp32 always.</summary>
public enum CudaPrecision
{
    /// <summary>Not at all.</summary>
    F32,

    /// <summary>To ten bits of mantissa, with the range of fp32: several times as fast, by tensor cores.</summary>
    TF32,

    /// <summary>
    /// To bfloat16, and they are stored so: half the memory and half the bytes of an exchange. Weights and moments stay in fp32, and so do residual streams,
    /// routers, norms and the loss.
    /// </summary>
    BF16,
}
