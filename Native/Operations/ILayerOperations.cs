using MoEActors.Native.Memory;

namespace MoEActors.Native.Operations;

/// <summary>Norms, activations, embeddings and the loss, each with its gradient.</summary>
public interface ILayerOperations
{
    /// <summary><c>y (+)= x</c>, element by element.</summary>
    void Add(DeviceSpan<float> x, DeviceSpan<float> y);

    /// <summary><c>x *= factor</c>, element by element.</summary>
    void Scale(DeviceSpan<float> x, float factor);

    /// <summary><c>x *= factor</c>, element by element, whatever the elements are.</summary>
    void Scale(in Matrix x, float factor);

    /// <summary><c>y = a·b</c>, element by element; any of the three may be the same memory.</summary>
    void Multiply(in Matrix a, in Matrix b, in Matrix y);

    /// <summary><c>y[i, :] += bias</c>.</summary>
    void AddBias(in Matrix y, DeviceSpan<float> bias);

    /// <summary><c>y = x·r·weight</c> per row with <c>r = 1/√(mean(x²) + epsilon)</c>; r goes to <paramref name="inverseRms"/> [rows].</summary>
    void RmsNorm(in Matrix x, DeviceSpan<float> weight, float epsilon, in Matrix y, DeviceSpan<float> inverseRms);

    /// <summary>Gradient of <see cref="RmsNorm"/> by its input: <c>dx (+)= r·(dy·w − x·r²·mean(dy·w·x))</c>.</summary>
    void RmsNormInputGradient(
        in Matrix x, DeviceSpan<float> weight, DeviceSpan<float> inverseRms, in Matrix dy, in Matrix dx, Accumulation accumulation);

    /// <summary>Gradient of <see cref="RmsNorm"/> by its weight: <c>dw[j] += Σᵢ dy·x·r</c>, from zero in row order, then added.</summary>
    void RmsNormWeightGradient(in Matrix x, DeviceSpan<float> inverseRms, in Matrix dy, DeviceSpan<float> weightGradient);

    /// <summary><c>preactivation += bias</c> (if there is one) and <c>output = gelu(preactivation)</c>, the exact (erf) form.</summary>
    void Gelu(in Matrix preactivation, DeviceSpan<float> bias, in Matrix output);

    /// <summary><c>dPreactivation = dOutput · gelu′(preactivation)</c>; the two gradients may be the same memory.</summary>
    void GeluGradient(in Matrix preactivation, in Matrix dOutput, in Matrix dPreactivation);

    /// <summary><c>y = max(x, 0)</c>. In place allowed.</summary>
    void Relu(in Matrix x, in Matrix y);

    /// <summary>Gradient of <see cref="Relu"/> from its output: <c>dx = dy</c> where y is above 0, else 0; the two gradients may be the same memory.</summary>
    void ReluGradient(in Matrix y, in Matrix dy, in Matrix dx);

    /// <summary><c>output = silu(gate) · up</c>.</summary>
    void SwiGlu(in Matrix gate, in Matrix up, in Matrix output);

    /// <summary>Gradients of <see cref="SwiGlu"/>; they may lie in the memory of <paramref name="gate"/> and <paramref name="up"/>.</summary>
    void SwiGluGradient(in Matrix gate, in Matrix up, in Matrix dOutput, in Matrix dGate, in Matrix dUp);

    /// <summary>Gradient of an embedding: <c>table[id] += Σ dy[i]</c> over rows i with that id, from zero in row order, then added.</summary>
    void EmbeddingGradient(DeviceSpan<int> ids, in Matrix dy, in Matrix tableGradient);

    /// <summary>
    /// Cross-entropy of <c>softmax(logits)</c> [n, vocabulary] against <paramref name="targets"/> [n]; a target of −1 is masked:
    /// loss and gradient 0. Row losses (nats) go to <paramref name="losses"/> [n]; <c>dLogits = scale·(p − onehot)</c>, which may
    /// be the memory of <paramref name="logits"/>; pass an empty matrix for the loss alone. The sum of the row losses in row order, in double,
    /// is stored to <paramref name="sum"/> [1].
    /// </summary>
    void CrossEntropy(
        in Matrix logits, DeviceSpan<int> targets, float scale, DeviceSpan<float> losses, in Matrix dLogits, DeviceSpan<double> sum);

    /// <summary><c>y[t] = c[t, 0]·a[t] + c[t, 1]·b[t]</c>: the residual form of DeepSpeed-MoE.</summary>
    void MixRows(in Matrix a, in Matrix b, in Matrix coefficients, in Matrix y);

    /// <summary>Gradients of <see cref="MixRows"/>: <c>da = c0·dy, db = c1·dy, dc[t] = (dy·a, dy·b)</c>.</summary>
    void MixRowsGradient(
        in Matrix a, in Matrix b, in Matrix coefficients, in Matrix dy, in Matrix da, in Matrix db, in Matrix dCoefficients);
}
