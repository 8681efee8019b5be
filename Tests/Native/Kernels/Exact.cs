namespace MoEActors.Tests.Native.Kernels;

/// <summary>The formulas in double precision, written for clarity, and gradients by central differences.</summary>
internal static class Exact
{
    /// <summary>Φ(x), accurate in the tail too.</summary>
    public static double NormalCumulative(double x)
    {
        double z = Math.Abs(x) / Math.Sqrt(2);
        double upper;
        if (z < 2.5)
        {
            // erf z = 2/√π·e^(-z²)·Σ 2ⁿ z^(2n+1)/(2n+1)!!, all terms positive.
            double term = z, sum = z;
            for (int n = 1; n < 80; n++)
            {
                term *= 2 * z * z / (2 * n + 1);
                sum += term;
            }

            upper = (1 - 2 / Math.Sqrt(Math.PI) * Math.Exp(-z * z) * sum) / 2;
        }
        else
        {
            // The continued fraction of erfc, from the bottom up.
            double fraction = 0;
            for (int n = 120; n > 0; n--)
            {
                fraction = n / 2.0 / (z + fraction);
            }

            upper = Math.Exp(-z * z) / Math.Sqrt(Math.PI) / (z + fraction) / 2;
        }

        return x > 0 ? 1 - upper : upper;
    }

    public static double Gelu(double x) => x * NormalCumulative(x);

    public static double GeluSlope(double x) => NormalCumulative(x) + x * Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI);

    public static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    public static double Silu(double x) => x * Sigmoid(x);

    public static double LogSumExp(double[] x) => x.Max() + Math.Log(x.Sum(v => Math.Exp(v - x.Max())));

    public static double[] Softmax(double[] x)
    {
        double denominator = LogSumExp(x);
        return [.. x.Select(v => Math.Exp(v - denominator))];
    }

    public static double[] RmsNorm(double[] x, double[] weight, double epsilon)
    {
        double r = 1 / Math.Sqrt(x.Sum(v => v * v) / x.Length + epsilon);
        return [.. x.Select((v, i) => v * r * weight[i])];
    }

    public static double Dot(double[] a, double[] b) => a.Zip(b, (u, v) => u * v).Sum();

    /// <summary>∂f/∂x by central differences.</summary>
    public static double[] Gradient(Func<double[], double> f, double[] x, double step = 1e-5)
    {
        var gradient = new double[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            double[] moved = [.. x];
            moved[i] = x[i] + step;
            double above = f(moved);
            moved[i] = x[i] - step;
            gradient[i] = (above - f(moved)) / (2 * step);
        }

        return gradient;
    }
}
