using System.Runtime.InteropServices;
using MoEActors.Native.Cuda.Kernels;

namespace MoEActors.Native.Cuda.Parameters;

/// <summary>For <c>top_k</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct TopKParameters(CudaMatrix Scores, nint Bias, nint Valid, nint Choices, int K);

/// <summary>For <c>choice_weights</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ChoiceWeightsParameters(CudaMatrix Scores, nint Choices, nint Weights, int K, int Renormalise, float Epsilon);

/// <summary>For <c>choice_weights_gradient</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ChoiceWeightsGradientParameters(
    CudaMatrix Scores, nint Choices, nint DWeights, CudaMatrix DScores, int K, int Renormalise, float Epsilon);

/// <summary>For <c>score_factors</c>, <c>score_sums</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ScoreSumsParameters(CudaMatrix Scores, nint Valid, nint Factors, nint Chunks, int Normalise);

/// <summary>For <c>score_sums_gradient</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ScoreSumsGradientParameters(CudaMatrix Scores, nint Valid, nint SumsGradient, CudaMatrix DScores, int Normalise);

/// <summary>For <c>z_loss_gradient</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ZLossGradientParameters(CudaMatrix Logits, nint LogSumExp, nint Valid, CudaMatrix DLogits, float Factor);
