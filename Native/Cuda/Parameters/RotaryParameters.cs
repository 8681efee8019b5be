using System.Runtime.InteropServices;
using MoEActors.Native.Cuda.Kernels;

namespace MoEActors.Native.Cuda.Parameters;

/// <summary>For <c>rotary</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct RotaryParameters(CudaMatrix X, CudaMatrix Cosines, CudaMatrix Sines, int SequenceLength, int Inverse);
