namespace MoEActors.Modules.Kinds;

/// <summary>What is wrong with a configuration: every error, not the first alone.</summary>
internal static class ConfigurationErrors
{
    /// <summary>The errors of the rules that are broken.</summary>
    public static IEnumerable<string> Of(params (bool IsBroken, string Error)[] rules) => rules.Where(rule => rule.IsBroken).Select(rule => rule.Error);

    /// <summary>The error of a value that its enumeration does not have.</summary>
    public static IEnumerable<string> OfName<TEnum>(string property, TEnum value)
        where TEnum : struct, Enum =>
        Of((!Enum.IsDefined(value), $"{property} is {value}; it must be one of {string.Join(", ", Enum.GetNames<TEnum>())}."));

    /// <summary>The errors of magnitudes that are negative, infinite or no number.</summary>
    public static IEnumerable<string> OfMagnitudes(params (string Name, float Value)[] magnitudes) =>
        Of([.. magnitudes.Select(entry =>
            (!(entry.Value >= 0 && float.IsFinite(entry.Value)), $"{entry.Name} is {entry.Value}; it must be finite and not negative."))]);
}
