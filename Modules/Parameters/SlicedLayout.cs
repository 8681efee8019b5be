namespace MoEActors.Modules.Parameters;

/// <summary>
/// The tensors of an expert, cut along its hidden units into slices of one shape. Slice s of S has the units from ⌊s·H/S⌋ on; where that is one less than the widest has, zeros stand for
/// the last. Tensors without hidden units, such as the second bias, are the first slice's, and zeros in the others. So the outputs of all slices add up to the expert's, and their
/// gradients are pieces of its gradient (r &gt; 1 in Tutel, arXiv 2206.03382, §3.1).
/// </summary>
public sealed class SlicedLayout
{
    private readonly IReadOnlyList<ParameterShape> _expert;
    private readonly ParameterShape[] _slice;
    private readonly BlockLayout _expertPlaces;
    private readonly BlockLayout _slicePlaces;
    private readonly int _units;
    private readonly int _width;

    /// <summary>Cuts a layout.</summary>
    /// <param name="expert">The tensors of an expert, in canonical order.</param>
    /// <param name="slices">S, from 1 to <see cref="UnitsOf"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There cannot be so many slices.</exception>
    public SlicedLayout(IReadOnlyList<ParameterShape> expert, int slices)
    {
        _units = UnitsOf(expert);
        if (slices < 1 || slices > _units)
        {
            throw new ArgumentOutOfRangeException(nameof(slices), slices, $"An expert of {_units} hidden units has 1 to {_units} slices.");
        }

        Slices = slices;
        _expert = expert;
        _width = (_units + slices - 1) / slices;
        _slice = [.. expert.Select(shape => shape.Hidden switch
        {
            HiddenAxis.Rows => shape with { Rows = _width * shape.HiddenGroups },
            HiddenAxis.Columns => shape with { Columns = _width * shape.HiddenGroups },
            _ => shape,
        })];
        _expertPlaces = new BlockLayout(expert);
        _slicePlaces = new BlockLayout(_slice);
    }

    /// <summary>S.</summary>
    public int Slices { get; }

    /// <summary>The tensors of a slice, in canonical order.</summary>
    public IReadOnlyList<ParameterShape> Slice => _slice;

    /// <summary>Elements of a slice, padding included.</summary>
    public int SliceLength => checked((int)_slicePlaces.Length);

    /// <summary>Elements of the expert, padding included.</summary>
    public int ExpertLength => checked((int)_expertPlaces.Length);

    /// <summary>
    /// The hidden units of an expert, which is the most slices that it can be cut into; 0 where its tensors do not say where they have any, or disagree.
    /// </summary>
    /// <param name="expert">The tensors of an expert.</param>
    public static int UnitsOf(IReadOnlyList<ParameterShape> expert)
    {
        int units = 0;
        foreach (ParameterShape shape in expert)
        {
            if (shape.Hidden != HiddenAxis.None)
            {
                int along = shape.Hidden == HiddenAxis.Rows ? shape.Rows : shape.Columns;
                if (shape.HiddenGroups < 1 || along % shape.HiddenGroups != 0 || (units > 0 && units != along / shape.HiddenGroups))
                {
                    return 0;
                }

                units = along / shape.HiddenGroups;
            }
        }

        return units;
    }

    /// <summary>Cuts a slice out of an expert's values.</summary>
    /// <param name="device">The device that has both.</param>
    /// <param name="expert">The expert's tensors.</param>
    /// <param name="slice">Number of the slice, from 0.</param>
    /// <param name="values"><see cref="SliceLength"/> elements to fill; gaps between tensors are left as they are.</param>
    public void Cut(IDevice device, IReadOnlyList<Parameter> expert, int slice, DeviceSpan<float> values)
    {
        for (int tensor = 0; tensor < _slice.Length; tensor++)
        {
            Matrix whole = expert[tensor].Value, part = Tensor(_slice, _slicePlaces, tensor, values);
            if (Units(slice).Count < _width || (slice > 0 && _slice[tensor].Hidden == HiddenAxis.None))
            {
                device.Fill(part.Data, 0f);
            }

            Copy(device, tensor, slice, whole, part, back: false);
        }
    }

    /// <summary>Puts a slice's gradients where the expert has them. All slices together fill every tensor.</summary>
    /// <param name="device">The device that has both.</param>
    /// <param name="slice">Number of the slice, from 0.</param>
    /// <param name="gradients">The slice's, <see cref="SliceLength"/> elements.</param>
    /// <param name="expert">The expert's, <see cref="ExpertLength"/> elements.</param>
    public void Join(IDevice device, int slice, DeviceSpan<float> gradients, DeviceSpan<float> expert)
    {
        for (int tensor = 0; tensor < _slice.Length; tensor++)
        {
            Copy(device, tensor, slice, Tensor(_expert, _expertPlaces, tensor, expert), Tensor(_slice, _slicePlaces, tensor, gradients), back: true);
        }
    }

    private static Matrix Tensor(IReadOnlyList<ParameterShape> shapes, BlockLayout places, int tensor, DeviceSpan<float> block) =>
        new(block.Slice(places.Offsets[tensor], shapes[tensor].Count), shapes[tensor].Rows, shapes[tensor].Columns);

    private static Matrix Cut(in Matrix tensor, HiddenAxis axis, int start, int count) =>
        axis == HiddenAxis.Rows ? tensor.SliceRows(start, count) : tensor.SliceColumns(start, count);

    private (int Start, int Count) Units(int slice)
    {
        int start = (int)((long)slice * _units / Slices);
        return (start, (int)((slice + 1L) * _units / Slices) - start);
    }

    /// <summary>Copies what of a tensor is the slice's, to the slice or back.</summary>
    private void Copy(IDevice device, int tensor, int slice, in Matrix whole, in Matrix part, bool back)
    {
        HiddenAxis axis = _slice[tensor].Hidden;
        if (axis == HiddenAxis.None)
        {
            if (slice == 0)
            {
                device.Convert(back ? part : whole, back ? whole : part);
            }

            return;
        }

        (int start, int count) = Units(slice);
        for (int group = 0; group < _slice[tensor].HiddenGroups; group++)
        {
            Matrix there = Cut(whole, axis, group * _units + start, count), here = Cut(part, axis, group * _width, count);
            device.Convert(back ? here : there, back ? there : here);
        }
    }
}
