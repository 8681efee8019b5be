using MoEActors.Native.Cuda.Kernels;
using MoEActors.Native.Cuda.Parameters;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cuda;

/// <summary>What keeps experts equally busy. One block computes each of these.</summary>
public sealed unsafe partial class CudaDevice
{
    private static readonly KernelName ChoiceBalanceKernel = new("balance", "choice_balance");
    private static readonly KernelName ChoiceBalanceGradientKernel = new("balance", "choice_balance_gradient");
    private static readonly KernelName LoadImportanceKernel = new("balance", "load_importance");
    private static readonly KernelName SquaredVariationGradientKernel = new("balance", "squared_variation_gradient");
    private static readonly KernelName ZLossKernel = new("balance", "z_loss");
    private static readonly KernelName SumRowsKernel = new("balance", "sum_rows");
    private static readonly KernelName AddCountsKernel = new("balance", "add_counts");
    private static readonly KernelName MoveBiasKernel = new("balance", "move_bias");
    private static readonly KernelName ScaleByExponentialKernel = new("balance", "scale_by_exponential");
    private static readonly KernelName AddExponentGradientKernel = new("balance", "add_exponent_gradient");

    private static LaunchShape OverExperts => new(1, 256);

    private static LaunchShape OverTokens => new(1, 1024);

    /// <inheritdoc />
    public void ChoiceBalance(DeviceSpan<float> scoreSums, DeviceSpan<int> counts, int tokens, int k, DeviceSpan<double> loss)
    {
        Operands.HasLength(counts, scoreSums.Length);
        Operands.HasLength(loss, 1);
        Launch(
            ChoiceBalanceKernel, OverExperts,
            new ChoiceBalanceParameters(scoreSums.Address, counts.Address, loss.Address, tokens, (double)tokens * k, counts.Length));
    }

    /// <inheritdoc />
    public void ChoiceBalanceGradient(DeviceSpan<int> counts, int tokens, int k, float factor, DeviceSpan<float> gradient)
    {
        Operands.HasLength(gradient, counts.Length);
        Launch(
            ChoiceBalanceGradientKernel, LaunchShapes.Items(counts.Length, 256),
            new ChoiceBalanceGradientParameters(counts.Address, gradient.Address, counts.Length, tokens, (float)((double)tokens * k), factor));
    }

    /// <inheritdoc />
    public void LoadImportance(DeviceSpan<float> importance, DeviceSpan<float> load, DeviceSpan<double> loss)
    {
        Operands.HasLength(load, importance.Length);
        Operands.HasLength(loss, 1);
        Launch(LoadImportanceKernel, OverExperts, new LoadImportanceParameters(importance.Address, load.Address, loss.Address, load.Length));
    }

    /// <inheritdoc />
    public void SquaredVariationGradient(DeviceSpan<float> values, double factor, DeviceSpan<float> gradient)
    {
        Operands.HasLength(gradient, values.Length);
        Launch(
            SquaredVariationGradientKernel, OverExperts,
            new SquaredVariationGradientParameters(values.Address, gradient.Address, factor, values.Length));
    }

    /// <inheritdoc />
    public void ZLoss(DeviceSpan<float> logSumExp, DeviceSpan<int> valid, int tokens, DeviceSpan<double> loss)
    {
        Operands.HasLengthOrIsEmpty(valid, logSumExp.Length);
        Operands.HasLength(loss, 1);
        Launch(ZLossKernel, OverTokens, new SumRowsParameters(logSumExp.Address, Optional(valid), loss.Address, tokens, logSumExp.Length));
    }

    /// <inheritdoc />
    public void SumRows(DeviceSpan<float> x, DeviceSpan<int> valid, DeviceSpan<double> sum)
    {
        Operands.HasLengthOrIsEmpty(valid, x.Length);
        Operands.HasLength(sum, 1);
        Launch(SumRowsKernel, OverTokens, new SumRowsParameters(x.Address, Optional(valid), sum.Address, Tokens: 1, x.Length));
    }

    /// <inheritdoc />
    public void AddCounts(DeviceSpan<int> counts, DeviceSpan<float> sums)
    {
        Operands.HasLength(sums, counts.Length);
        Launch(AddCountsKernel, LaunchShapes.Items(counts.Length, 256), new AddCountsParameters(counts.Address, sums.Address, counts.Length));
    }

    /// <inheritdoc />
    public void MoveBias(DeviceSpan<float> counts, float rate, DeviceSpan<float> bias)
    {
        Operands.HasLength(bias, counts.Length);
        Launch(MoveBiasKernel, OverExperts, new MoveBiasParameters(counts.Address, bias.Address, counts.Length, rate));
    }

    /// <inheritdoc />
    public void ScaleByExponential(DeviceSpan<float> x, DeviceSpan<float> exponent, float highest)
    {
        Operands.HasLength(exponent, 1);
        Launch(
            ScaleByExponentialKernel, LaunchShapes.Elements(x.Length), new ExponentParameters(x.Address, exponent.Address, 0, x.Length, highest));
    }

    /// <inheritdoc />
    public void AddExponentGradient(DeviceSpan<float> dots, DeviceSpan<float> exponent, float highest, DeviceSpan<float> gradient)
    {
        Operands.HasLength(exponent, 1);
        Operands.HasLength(gradient, 1);
        Launch(
            AddExponentGradientKernel, OverTokens,
            new ExponentParameters(dots.Address, exponent.Address, gradient.Address, dots.Length, highest));
    }
}
