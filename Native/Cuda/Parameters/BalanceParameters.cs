using System.Runtime.InteropServices;

namespace MoEActors.Native.Cuda.Parameters;

/// <summary>For <c>choice_balance</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ChoiceBalanceParameters(nint ScoreSums, nint Counts, nint Loss, double Tokens, double Choices, int Experts);

/// <summary>For <c>choice_balance_gradient</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ChoiceBalanceGradientParameters(nint Counts, nint Gradient, int Experts, float Tokens, float Choices, float Factor);

/// <summary>For <c>load_importance</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct LoadImportanceParameters(nint Importance, nint Load, nint Loss, int Experts);

/// <summary>For <c>squared_variation_gradient</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct SquaredVariationGradientParameters(nint Values, nint Gradient, double Factor, int Experts);

/// <summary>For <c>z_loss</c>, <c>sum_rows</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct SumRowsParameters(nint X, nint Valid, nint Sum, double Tokens, int Rows);

/// <summary>For <c>add_counts</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct AddCountsParameters(nint Counts, nint Sums, int Experts);

/// <summary>For <c>move_bias</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct MoveBiasParameters(nint Counts, nint Bias, int Experts, float Rate);

/// <summary>For <c>scale_by_exponential</c>, <c>add_exponent_gradient</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ExponentParameters(nint X, nint Exponent, nint Gradient, long Length, float Highest);
