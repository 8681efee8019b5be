using System.Runtime.InteropServices;

namespace MoEActors.Native.Cuda.Parameters;

/// <summary>For <c>adamw</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct AdamWParameters(
    nint Parameter, nint Gradient, nint FirstMoment, nint SecondMoment, long Length, float LearningRate, float Beta1, float Beta2,
    float Fresh1, float Fresh2, float Correction1, float Correction2, float Epsilon, float WeightDecay, float GradientScale);

/// <summary>For <c>squares_of_chunks</c>, <c>sum_of_squares</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct SumOfSquaresParameters(nint X, nint Chunks, nint Sum, long Length);
