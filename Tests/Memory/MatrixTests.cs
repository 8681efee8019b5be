using MoEActors.Native.Memory;

namespace MoEActors.Tests.Memory;

public class MatrixTests
{
    [Fact]
    public void A_matrix_and_its_transpose_say_their_shapes()
    {
        var matrix = new Matrix(new DeviceSpan<float>(64, 12), 3, 4);
        Assert.Equal("3×4", matrix.ToString());
        Assert.Equal("4×3", matrix.T.ToString());
        Assert.Equal("2×4", matrix.SliceRows(1, 2).ToString());
        Assert.Equal("0×0", default(Matrix).ToString());
    }
}
