using System.ComponentModel;
using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace MoEActors.Client.Configuration;

/// <summary>
/// Binds options from a section of the host's configuration. What cannot be bound - a name that does not exist, a text where a number should stand - is kept
/// and told with everything else that is wrong when the options are validated; the binder of .NET would throw at the first of them.
/// </summary>
internal sealed class SectionBinding<T>(IConfiguration configuration, string path) : IConfigureOptions<T>, IValidateOptions<T>
    where T : class
{
    private static readonly PropertyInfo[] Settable = [.. typeof(T).GetProperties().Where(property => property.SetMethod is { IsPublic: true })];

    /// <inheritdoc />
    public void Configure(T options)
    {
        foreach ((PropertyInfo? property, object? value, _) in Read().Where(entry => entry.Error is null))
        {
            property!.SetValue(options, value);
        }
    }

    /// <inheritdoc />
    public ValidateOptionsResult Validate(string? name, T options)
    {
        string[] errors = [.. Read().Select(entry => entry.Error).OfType<string>()];
        return errors.Length > 0 ? ValidateOptionsResult.Fail(errors) : ValidateOptionsResult.Success;
    }

    private IEnumerable<(PropertyInfo? Property, object? Value, string? Error)> Read()
    {
        foreach (IConfigurationSection child in configuration.GetSection(path).GetChildren())
        {
            PropertyInfo? property = Settable.FirstOrDefault(one => one.Name.Equals(child.Key, StringComparison.OrdinalIgnoreCase));
            if (property is null)
            {
                string? meant = Suggestion.For(child.Key, Settable.Where(one => IsText(one.PropertyType)).Select(one => one.Name));
                yield return (null, null, $"{child.Path} is not known.{(meant is null ? "" : $" Did you mean {meant}?")}");
            }
            else if (!IsText(property.PropertyType))
            {
                yield return (property, null, $"{child.Path} can only be set in code.");
            }
            else if (child.GetChildren().Any())
            {
                yield return (property, null, $"{child.Path} has parts; it must be {Kind(property.PropertyType)}.");
            }
            else if (child.Value is { Length: > 0 } || (child.Value is not null && property.PropertyType == typeof(string)))
            {
                yield return TryConvert(child.Value, property.PropertyType, out object? value)
                    ? (property, value, null)
                    : (property, null, $"{child.Path} is '{child.Value}'; it must be {Kind(property.PropertyType)}.");
            }
        }
    }

    private static bool TryConvert(string text, Type type, out object? value)
    {
        try
        {
            value = TypeDescriptor.GetConverter(Bare(type)).ConvertFromInvariantString(text.Trim());
            return true;
        }
        catch (Exception e) when (e is FormatException or ArgumentException or NotSupportedException or OverflowException)
        {
            // Converters of numbers wrap what went wrong in an ArgumentException.
            value = null;
            return false;
        }
    }

    /// <summary>Whether a text can say what a value is.</summary>
    private static bool IsText(Type type) => Bare(type) is var bare && (bare.IsPrimitive || bare.IsEnum || bare == typeof(string) || bare == typeof(TimeSpan));

    private static Type Bare(Type type) => Nullable.GetUnderlyingType(type) ?? type;

    private static string Kind(Type type) => Bare(type) switch
    {
        var bare when bare == typeof(int) => string.Create(CultureInfo.InvariantCulture, $"a whole number, up to {int.MaxValue}"),
        var bare when bare == typeof(long) => "a whole number",
        var bare when bare == typeof(bool) => "true or false",
        var bare when bare == typeof(TimeSpan) => "a time, as in 00:00:05",
        { IsEnum: true } bare => $"one of {string.Join(", ", Enum.GetNames(bare))}",
        { IsPrimitive: true } => "a number",
        _ => "a text",
    };
}

/// <summary>Binds options from sections of the configuration.</summary>
internal static class SectionBindingExtensions
{
    /// <summary>Binds options, and tells all that is wrong in the section when the host starts.</summary>
    /// <param name="options">The options.</param>
    /// <param name="path">The section.</param>
    public static OptionsBuilder<T> BindWhole<T>(this OptionsBuilder<T> options, string path)
        where T : class
    {
        options.Services.AddSingleton<IConfigureOptions<T>>(services => new SectionBinding<T>(services.GetRequiredService<IConfiguration>(), path));
        options.Services.AddSingleton<IValidateOptions<T>>(services => new SectionBinding<T>(services.GetRequiredService<IConfiguration>(), path));
        return options.ValidateOnStart();
    }
}
