namespace Orleans.Runtime;

/// <summary>Values that travel with every call made next, from caller to callee and never back.</summary>
public static class RequestContext
{
    internal const string ReentrancyKey = "#CCR";

    private static readonly AsyncLocal<Dictionary<string, object>?> Current = new();

    /// <summary>The call chain that may come back into grains which allowed it; empty for none.</summary>
    public static Guid ReentrancyId
    {
        get => Get(ReentrancyKey) is Guid id ? id : Guid.Empty;
        set
        {
            if (value == Guid.Empty)
            {
                Remove(ReentrancyKey);
            }
            else
            {
                Set(ReentrancyKey, value);
            }
        }
    }

    /// <summary>The names of the values.</summary>
    public static IEnumerable<string> Keys => Current.Value?.Keys ?? Enumerable.Empty<string>();

    /// <summary>The values by name.</summary>
    public static IEnumerable<KeyValuePair<string, object>> Entries => Current.Value ?? Enumerable.Empty<KeyValuePair<string, object>>();

    internal static Dictionary<string, object>? Values
    {
        get => Current.Value;
        set
        {
            if (!ReferenceEquals(Current.Value, value))
            {
                Current.Value = value;
            }
        }
    }

    /// <summary>The value called <paramref name="key"/>, or null.</summary>
    public static object? Get(string key) => Current.Value is { } values && values.TryGetValue(key, out object? value) ? value : null;

    /// <summary>Sets a value for the calls made next.</summary>
    public static void Set(string key, object value) =>
        Current.Value = new Dictionary<string, object>(Current.Value ?? []) { [key] = value };

    /// <summary>Removes a value; says whether it was there.</summary>
    public static bool Remove(string key)
    {
        if (Current.Value is not { } values || !values.ContainsKey(key))
        {
            return false;
        }

        var rest = new Dictionary<string, object>(values);
        rest.Remove(key);
        Current.Value = rest.Count == 0 ? null : rest;
        return true;
    }

    /// <summary>Removes all values.</summary>
    public static void Clear() => Values = null;

    /// <summary>Lets calls made before disposal come back into this grain while it waits for them.</summary>
    public static ReentrancySection AllowCallChainReentrancy()
    {
        Guid original = ReentrancyId;
        return new ReentrancySection(original, original == Guid.Empty ? Guid.NewGuid() : original);
    }

    /// <summary>Takes back what <see cref="AllowCallChainReentrancy"/> allowed, until disposal.</summary>
    public static ReentrancySection SuppressCallChainReentrancy() => new(ReentrancyId, Guid.Empty);

    /// <summary>A stretch of code with a reentrancy of its own.</summary>
    public readonly struct ReentrancySection : IDisposable
    {
        private readonly Guid _original;
        private readonly Guid _entered;

        internal ReentrancySection(Guid original, Guid entered)
        {
            _original = original;
            _entered = entered;
            ReentrancyId = entered;
            (RuntimeContext.Current as Activation)?.EnterReentrantSection(entered);
        }

        /// <summary>Ends the stretch.</summary>
        public void Dispose()
        {
            (RuntimeContext.Current as Activation)?.LeaveReentrantSection(_entered);
            ReentrancyId = _original;
        }
    }
}
