namespace Orleans.Serialization;

/// <summary>Copies values the way a grain call does.</summary>
internal static class DeepCopy
{
    public static object? Of(object? value)
    {
        if (value is null)
        {
            return null;
        }

        TypeCopier copier = TypeCopier.Of(value.GetType());
        return copier.IsImmutable ? value : copier.Copy(value, new CopyContext());
    }

    /// <summary>Throws <see cref="CodecNotFoundException"/> unless <paramref name="value"/> may travel.</summary>
    public static void Check(object? value)
    {
        if (value is not null)
        {
            TypeCopier.Of(value.GetType());
        }
    }

    /// <summary>A request context of which no value is shared with the original.</summary>
    public static Dictionary<string, object>? Of(Dictionary<string, object>? context)
    {
        if (context is null or { Count: 0 })
        {
            return null;
        }

        Dictionary<string, object>? copy = null;
        foreach ((string key, object value) in context)
        {
            if (value is not null && !TypeCopier.Of(value.GetType()).IsImmutable)
            {
                copy ??= new Dictionary<string, object>(context);
                copy[key] = Of(value)!;
            }
        }

        // Dictionaries of a request context are replaced and never changed, so an immutable one is shared.
        return copy ?? context;
    }
}
