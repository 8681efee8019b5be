namespace Orleans.Serialization;

/// <summary>One act of copying: remembers what was copied already, so that shared objects stay shared and cycles end.</summary>
internal sealed class CopyContext
{
    private Dictionary<object, object>? _copies;

    public bool TryGet(object original, out object? copy)
    {
        copy = null;
        return _copies is not null && _copies.TryGetValue(original, out copy);
    }

    public void Record(object original, object copy) =>
        (_copies ??= new Dictionary<object, object>(ReferenceEqualityComparer.Instance))[original] = copy;

    public object? Copy(object? value)
    {
        if (value is null)
        {
            return null;
        }

        TypeCopier copier = TypeCopier.Of(value.GetType());
        return copier.IsImmutable ? value : TryGet(value, out object? copy) ? copy : copier.Copy(value, this);
    }
}
