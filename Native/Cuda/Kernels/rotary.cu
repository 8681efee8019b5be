// Rotary embedding.

struct RotaryParameters
{
    Matrix x;
    Matrix cosines;
    Matrix sines;
    int sequenceLength;
    int inverse;
};

// The halves (a, b) of every head become (a * cos - b * sin, b * cos + a * sin) by the angles of the row's position, or are turned back.
extern "C" __global__ void __launch_bounds__(256) rotary(const RotaryParameters p)
{
    int row = blockIdx.x, position = row % p.sequenceLength, half = p.cosines.columns;
    float* x = row_of(p.x, row);
    const float *cosines = row_of(p.cosines, position), *sines = row_of(p.sines, position);
    for (int pair = threadIdx.x; pair < p.x.columns / 2; pair += blockDim.x)
    {
        int head = pair / half, i = pair % half;
        float *first = x + (i64)head * 2 * half + i, *second = first + half;
        float a = *first, b = *second, c = cosines[i], s = p.inverse ? -sines[i] : sines[i];
        *first = fmaf(a, c, -(b * s));
        *second = fmaf(b, c, a * s);
    }
}
