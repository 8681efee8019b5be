// Activations, and their gradients, element by element.

struct GeluParameters
{
    Matrix preactivation;
    const float* bias;
    Matrix output;
};

// preactivation += bias (if there is one), output = x * Phi(x) of it: one pass over both.
template <class Number>
__device__ __forceinline__ void gelu_of(const GeluParameters& p)
{
    for_elements(p.output.rows, p.output.columns, aligned(p.preactivation, p.bias, p.output), [&](i64 row, i64 column, auto part)
    {
        Number* from = row_of<Number>(p.preactivation, row) + column;
        Four x = load_four(from, part), y;
        if (p.bias)
        {
            Four bias = load_four(p.bias + column, part);
#pragma unroll
            for (int i = 0; i < 4; i++)
            {
                x.at[i] += bias.at[i];
            }

            store_four(from, x, part);
        }

#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            float bell;
            y.at[i] = x.at[i] * normal_cumulative(x.at[i], &bell);
        }

        store_four(row_of<Number>(p.output, row) + column, y, part);
    });
}

extern "C" __global__ void __launch_bounds__(256) gelu(const GeluParameters p)
{
    gelu_of<float>(p);
}

extern "C" __global__ void __launch_bounds__(256) gelu_bf16(const GeluParameters p)
{
    gelu_of<bf16>(p);
}

struct ActivationGradientParameters
{
    Matrix input;
    Matrix dOutput;
    Matrix dInput;
};

// dy * (Phi(x) + x * phi(x)).
template <class Number>
__device__ __forceinline__ void gelu_gradient_of(const ActivationGradientParameters& p)
{
    for_elements(p.dInput.rows, p.dInput.columns, aligned(p.input, p.dOutput, p.dInput), [&](i64 row, i64 column, auto part)
    {
        Four x = load_four(row_of<Number>(p.input, row) + column, part), dy = load_four(row_of<Number>(p.dOutput, row) + column, part), dx;
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            float bell;
            float cumulative = normal_cumulative(x.at[i], &bell);
            dx.at[i] = dy.at[i] * fmaf(x.at[i], bell * DENSITY_AT_ZERO, cumulative);
        }

        store_four(row_of<Number>(p.dInput, row) + column, dx, part);
    });
}

extern "C" __global__ void __launch_bounds__(256) gelu_gradient(const ActivationGradientParameters p)
{
    gelu_gradient_of<float>(p);
}

extern "C" __global__ void __launch_bounds__(256) gelu_gradient_bf16(const ActivationGradientParameters p)
{
    gelu_gradient_of<bf16>(p);
}

struct ActivationParameters
{
    Matrix input;
    Matrix output;
};

// max(x, 0); what is no number stays so.
template <class Number>
__device__ __forceinline__ void relu_of(const ActivationParameters& p)
{
    for_elements(p.output.rows, p.output.columns, aligned(p.input, p.output), [&](i64 row, i64 column, auto part)
    {
        Four x = load_four(row_of<Number>(p.input, row) + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            x.at[i] = x.at[i] > 0.0f || is_nan(x.at[i]) ? x.at[i] : 0.0f;
        }

        store_four(row_of<Number>(p.output, row) + column, x, part);
    });
}

extern "C" __global__ void __launch_bounds__(256) relu(const ActivationParameters p)
{
    relu_of<float>(p);
}

extern "C" __global__ void __launch_bounds__(256) relu_bf16(const ActivationParameters p)
{
    relu_of<bf16>(p);
}

// dy where the output (here: the input of the gradient) is above 0, else 0.
template <class Number>
__device__ __forceinline__ void relu_gradient_of(const ActivationGradientParameters& p)
{
    for_elements(p.dInput.rows, p.dInput.columns, aligned(p.input, p.dOutput, p.dInput), [&](i64 row, i64 column, auto part)
    {
        Four y = load_four(row_of<Number>(p.input, row) + column, part), dy = load_four(row_of<Number>(p.dOutput, row) + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            dy.at[i] = y.at[i] > 0.0f ? dy.at[i] : 0.0f;
        }

        store_four(row_of<Number>(p.dInput, row) + column, dy, part);
    });
}

extern "C" __global__ void __launch_bounds__(256) relu_gradient(const ActivationGradientParameters p)
{
    relu_gradient_of<float>(p);
}

extern "C" __global__ void __launch_bounds__(256) relu_gradient_bf16(const ActivationGradientParameters p)
{
    relu_gradient_of<bf16>(p);
}

// s * (1 - s) * ds from the scores s.
extern "C" __global__ void __launch_bounds__(256) sigmoid_gradient(const ActivationGradientParameters p)
{
    for_elements(p.dInput.rows, p.dInput.columns, aligned(p.input, p.dOutput, p.dInput), [&](i64 row, i64 column, auto part)
    {
        Four s = load_four(row_of(p.input, row) + column, part), ds = load_four(row_of(p.dOutput, row) + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            ds.at[i] = s.at[i] * (1.0f - s.at[i]) * ds.at[i];
        }

        store_four(row_of(p.dInput, row) + column, ds, part);
    });
}

struct SwiGluParameters
{
    Matrix gate;
    Matrix up;
    Matrix output;
};

// silu(gate) * up, silu(g) = g * sigmoid(g).
template <class Number>
__device__ __forceinline__ void swiglu_of(const SwiGluParameters& p)
{
    for_elements(p.output.rows, p.output.columns, aligned(p.gate, p.up, p.output), [&](i64 row, i64 column, auto part)
    {
        Four g = load_four(row_of<Number>(p.gate, row) + column, part), u = load_four(row_of<Number>(p.up, row) + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            u.at[i] = g.at[i] * sigmoid_of(g.at[i]) * u.at[i];
        }

        store_four(row_of<Number>(p.output, row) + column, u, part);
    });
}

extern "C" __global__ void __launch_bounds__(256) swiglu(const SwiGluParameters p)
{
    swiglu_of<float>(p);
}

extern "C" __global__ void __launch_bounds__(256) swiglu_bf16(const SwiGluParameters p)
{
    swiglu_of<bf16>(p);
}

struct SwiGluGradientParameters
{
    Matrix gate;
    Matrix up;
    Matrix dOutput;
    Matrix dGate;
    Matrix dUp;
};

// dUp = dy * silu(g) and dGate = dy * up * s * (1 + g * (1 - s)) with s = sigmoid(g). They may lie in the memory of gate and up.
template <class Number>
__device__ __forceinline__ void swiglu_gradient_of(const SwiGluGradientParameters& p)
{
    for_elements(p.gate.rows, p.gate.columns, aligned(p.gate, p.up, p.dOutput, p.dGate, p.dUp), [&](i64 row, i64 column, auto part)
    {
        Four g = load_four(row_of<Number>(p.gate, row) + column, part), u = load_four(row_of<Number>(p.up, row) + column, part);
        Four dy = load_four(row_of<Number>(p.dOutput, row) + column, part), dg, du;
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            float s = sigmoid_of(g.at[i]);
            dg.at[i] = dy.at[i] * u.at[i] * (s * fmaf(g.at[i], 1.0f - s, 1.0f));
            du.at[i] = dy.at[i] * (g.at[i] * s);
        }

        store_four(row_of<Number>(p.dGate, row) + column, dg, part);
        store_four(row_of<Number>(p.dUp, row) + column, du, part);
    });
}

extern "C" __global__ void __launch_bounds__(256) swiglu_gradient(const SwiGluGradientParameters p)
{
    swiglu_gradient_of<float>(p);
}

extern "C" __global__ void __launch_bounds__(256) swiglu_gradient_bf16(const SwiGluGradientParameters p)
{
    swiglu_gradient_of<bf16>(p);
}
