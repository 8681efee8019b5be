namespace MoEActors.Examples;

/// <summary>y = x·W + b on rows, written out, with plain gradient descent.</summary>
internal sealed class DenseLayer(int inputs, int outputs, Random random)
{
    private readonly float[] _weight = [.. Enumerable.Range(0, inputs * outputs).Select(_ => (2 * random.NextSingle() - 1) / MathF.Sqrt(inputs))];
    private readonly float[] _bias = new float[outputs];
    private readonly float[] _weightGradient = new float[inputs * outputs];
    private readonly float[] _biasGradient = new float[outputs];

    public void Forward(ReadOnlySpan<float> x, Span<float> y)
    {
        for (int row = 0; row < y.Length / outputs; row++)
        {
            for (int j = 0; j < outputs; j++)
            {
                float sum = _bias[j];
                for (int i = 0; i < inputs; i++)
                {
                    sum += x[row * inputs + i] * _weight[i * outputs + j];
                }

                y[row * outputs + j] = sum;
            }
        }
    }

    /// <summary>Adds the gradients of W and b, and writes that of x unless nobody wants it.</summary>
    public void Backward(ReadOnlySpan<float> x, ReadOnlySpan<float> dy, float[]? dx)
    {
        for (int row = 0; row < dy.Length / outputs; row++)
        {
            for (int i = 0; i < inputs; i++)
            {
                float sum = 0;
                for (int j = 0; j < outputs; j++)
                {
                    sum += dy[row * outputs + j] * _weight[i * outputs + j];
                    _weightGradient[i * outputs + j] += dy[row * outputs + j] * x[row * inputs + i];
                }

                if (dx is not null)
                {
                    dx[row * inputs + i] = sum;
                }
            }

            for (int j = 0; j < outputs; j++)
            {
                _biasGradient[j] += dy[row * outputs + j];
            }
        }
    }

    public void Apply(float rate)
    {
        Descend(_weight, _weightGradient, rate);
        Descend(_bias, _biasGradient, rate);
    }

    private static void Descend(float[] values, float[] gradients, float rate)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] -= rate * gradients[i];
            gradients[i] = 0;
        }
    }
}
