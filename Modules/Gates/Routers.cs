using MoEActors.Modules.Autograd;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Gates;

/// <summary>
/// The trained part of a gate: how tokens become logits. One object per layer and worker; it remembers of <see cref="Forward"/> what
/// <see cref="Backward"/> of the same micro-batch needs. A row's logits must depend on that row and the tensors alone. There may be no rows.
/// </summary>
public interface IRouter
{
    /// <summary>Experts of the layer.</summary>
    int Experts { get; }

    /// <summary>Logits [n, experts] of the rows of <paramref name="x"/> [n, features], in memory of the tape (<see cref="Tape.NewMatrix"/>).</summary>
    Matrix Forward(Tape tape, in Tensor x);

    /// <summary>
    /// Adds the gradients of the router's tensors to their <see cref="Parameters.Parameter.Gradient"/>, and writes that of the same x where
    /// <see cref="Tape.GradientToWrite"/> says, in the way it says.
    /// </summary>
    /// <param name="tape">The tape.</param>
    /// <param name="dLogits">[n, experts]; may be overwritten.</param>
    void Backward(Tape tape, in Matrix dLogits);
}

/// <summary><c>logits = x·Wg</c>, in fp32.</summary>
/// <param name="weight">Wg, [features, experts].</param>
public sealed class LinearRouter(Parameter weight) : IRouter
{
    private Tensor _x;

    /// <inheritdoc />
    public int Experts => weight.Shape.Columns;

    /// <inheritdoc />
    public Matrix Forward(Tape tape, in Tensor x)
    {
        _x = x;
        Matrix logits = tape.NewMatrix(x.Rows, Experts);
        tape.Device.MatMul(x.Value, weight.Value, logits);
        return logits;
    }

    /// <inheritdoc />
    public void Backward(Tape tape, in Matrix dLogits)
    {
        tape.Device.MatMul(_x.Value.T, dLogits, weight.Gradient, Accumulation.Add);
        Matrix dx = tape.GradientToWrite(_x, out Accumulation accumulation);
        tape.Device.MatMul(dLogits, weight.Value.T, dx, accumulation);
    }
}

/// <summary>
/// The cosine router (Chi et al., arXiv 2204.09179; Tutel): <c>logits = exp(min(τ, ln 100))·cos(x·Wp, Mₑ)</c>. Token and expert are compared in a
/// low-dimensional projection by direction alone; τ is learnt.
/// </summary>
/// <param name="projection">Wp, [features, projection].</param>
/// <param name="embedding">M, [experts, projection]: a row per expert.</param>
/// <param name="temperature">τ, [1, 1].</param>
public sealed class CosineRouter(Parameter projection, Parameter embedding, Parameter temperature) : IRouter
{
    /// <summary>τ at the start: a factor of 2.</summary>
    public const float InitialTemperature = 0.69314718f;

    /// <summary>ln 100: τ counts no higher.</summary>
    private const float HighestTemperature = 4.6051702f;

    /// <summary>Norms count at least this much.</summary>
    private const float Epsilon = 1e-12f;

    private Tensor _x;
    private Matrix _logits;
    private Matrix _tokens;
    private Matrix _experts;
    private DeviceSpan<float> _tokenNorms;
    private DeviceSpan<float> _expertNorms;

    /// <inheritdoc />
    public int Experts => embedding.Shape.Rows;

    /// <inheritdoc />
    public Matrix Forward(Tape tape, in Tensor x)
    {
        IDevice device = tape.Device;
        _x = x;
        _tokens = tape.NewMatrix(x.Rows, projection.Shape.Columns);
        _tokenNorms = tape.Arena.Take<float>(x.Rows);
        _experts = tape.NewMatrix(Experts, projection.Shape.Columns);
        _expertNorms = tape.Arena.Take<float>(Experts);
        _logits = tape.NewMatrix(x.Rows, Experts);
        device.MatMul(x.Value, projection.Value, _tokens);
        device.NormalizeRows(_tokens, Epsilon, _tokens, _tokenNorms);
        device.NormalizeRows(embedding.Value, Epsilon, _experts, _expertNorms);
        device.MatMul(_tokens, _experts.T, _logits);
        device.ScaleByExponential(_logits.Data, temperature.Vector, HighestTemperature);
        return _logits;
    }

    /// <inheritdoc />
    public void Backward(Tape tape, in Matrix dLogits)
    {
        IDevice device = tape.Device;

        // logits = exp(τ)·cos, so that dτ = Σ dLogits·logits.
        DeviceSpan<float> dots = tape.Arena.Take<float>(dLogits.Rows);
        device.DotRows(dLogits, _logits, dots);
        device.AddExponentGradient(dots, temperature.Vector, HighestTemperature, temperature.GradientVector);
        device.ScaleByExponential(dLogits.Data, temperature.Vector, HighestTemperature);
        Matrix dExperts = tape.NewMatrix(_experts.Rows, _experts.Columns);
        device.MatMul(dLogits.T, _tokens, dExperts);
        device.NormalizeRowsGradient(_experts, _expertNorms, Epsilon, dExperts, embedding.Gradient, Accumulation.Add);
        Matrix dTokens = tape.NewMatrix(_tokens.Rows, _tokens.Columns);
        device.MatMul(dLogits, _experts, dTokens);
        device.NormalizeRowsGradient(_tokens, _tokenNorms, Epsilon, dTokens, dTokens, Accumulation.Store);
        device.MatMul(_x.Value.T, dTokens, projection.Gradient, Accumulation.Add);
        Matrix dx = tape.GradientToWrite(_x, out Accumulation accumulation);
        device.MatMul(dTokens, projection.Value.T, dx, accumulation);
    }
}
