using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using MoEActors.Native.Cuda;
using MoEActors.Native.Cuda.Kernels;

namespace MoEActors.Tests.Native.Cuda;

/// <summary>
/// Kernels' parameters are declared twice, here and in the kernels' text. A C++ compiler says whether both have the same fields, of the same types,
/// at the same places.
/// </summary>
public partial class KernelParameterTests
{
    private static readonly Type[] ParameterTypes =
        [.. typeof(CudaDevice).Assembly.GetTypes().Where(type => type.Namespace == "MoEActors.Native.Cuda.Parameters")];

    public static TheoryData<string> Families => [.. KernelSource.Families];

    [Theory]
    [MemberData(nameof(Families))]
    public void Both_declarations_of_a_kernels_parameters_agree(string family)
    {
        string text = Preprocessed(family);
        Type[] types = [typeof(CudaMatrix), .. Structs().Matches(text).Select(match => ParameterTypes.Single(type => type.Name == match.Groups[1].Value))];
        var program = new StringBuilder(Declarations(text));
        program.AppendLine("template <class T> struct is_pointer { static const bool value = false; };");
        program.AppendLine("template <class T> struct is_pointer<T*> { static const bool value = true; };");
        foreach (Type type in types)
        {
            foreach (string assertion in Assertions(type))
            {
                program.AppendLine(assertion);
            }
        }

        Compile("-fsyntax-only", program.ToString());
    }

    [Fact]
    public void Every_type_of_parameters_has_its_twin_in_a_kernels_text() => Assert.Equal(
        ParameterTypes.Select(type => type.Name).Order(),
        KernelSource.Families.SelectMany(family => Structs().Matches(Preprocessed(family)).Select(match => match.Groups[1].Value)).Order());

    [Fact]
    public void Every_kernel_that_is_launched_exists_and_every_one_that_exists_is_launched()
    {
        IEnumerable<KernelName> launched = typeof(CudaDevice).GetFields(BindingFlags.NonPublic | BindingFlags.Static)
            .Select(field => field.GetValue(null)).SelectMany(value => value switch
            {
                KernelName kernel => [kernel],
                TypedKernel kernels => [kernels.F32, kernels.BF16],
                _ => Array.Empty<KernelName>(),
            })
            .Concat(AttentionKernels.All.SelectMany(kernels => new[] { kernels.Forward, kernels.QueryGradient, kernels.KeyGradient }));
        IEnumerable<KernelName> written =
            from family in KernelSource.Families
            from Match kernel in Kernels().Matches(Preprocessed(family))
            select new KernelName(family, kernel.Groups[1].Value);
        Assert.Equal(written.Select(kernel => kernel.ToString()).Order(), launched.Select(kernel => kernel.ToString()).Order());
    }

    [Theory]
    [InlineData("sums", "TOKEN_CHUNK", LaunchShapes.TokenChunk)]
    [InlineData("optimizer", "SQUARES_CHUNK", LaunchShapes.SquaresChunk)]
    [InlineData("slots", "SERVED_CHUNK", SlotTable.Chunk)]
    [InlineData("attention", "THREADS", AttentionKernels.Threads)]
    public void Numbers_that_both_sides_know_are_the_same(string family, string name, int value) =>
        Assert.Contains($"#define {name} {value.ToString(CultureInfo.InvariantCulture)}\n", KernelSource.Of(family), StringComparison.Ordinal);

    [Fact]
    public void A_declaration_that_differs_is_found()
    {
        string program = Declarations(Preprocessed("norms")) + "static_assert(sizeof(RmsNormParameters) == 1, \"\");";
        Assert.Contains("static assertion failed", Run("-fsyntax-only", program).Errors, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Assertions(Type type)
    {
        string name = type == typeof(CudaMatrix) ? "Matrix" : type.Name;
        yield return $"static_assert(sizeof({name}) == {Marshal.SizeOf(type)}, \"\");";
        foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
        {
            string property = PropertyOf(field), twin = char.ToLowerInvariant(property[0]) + property[1..];
            yield return $"static_assert(__builtin_offsetof({name}, {twin}) == {Marshal.OffsetOf(type, field.Name)}, \"\");";
            yield return field.FieldType == typeof(nint)
                ? $"static_assert(is_pointer<decltype({name}::{twin})>::value, \"\");"
                : $"static_assert(__is_same(decltype({name}::{twin}), {Native(field.FieldType)}), \"\");";
        }
    }

    /// <summary>A record's field is named after its property.</summary>
    private static string PropertyOf(FieldInfo field) => field.Name.TrimStart('<').Split('>')[0];

    private static string Native(Type type) => type == typeof(CudaMatrix) ? "Matrix"
        : type == typeof(int) ? "int"
        : type == typeof(long) ? "i64"
        : type == typeof(ulong) ? "u64"
        : type == typeof(float) ? "float"
        : type == typeof(double) ? "double"
        : throw new ArgumentException($"Kernels have no {type}.");

    /// <summary>The types that a host's compiler accepts: without functions and without what is a GPU's.</summary>
    private static string Declarations(string text) => string.Join(
        '\n',
        Types().Matches(text).Select(match => match.Value).Concat(PlainStructs().Matches(text).Select(match => match.Value))) + "\n";

    private static string Preprocessed(string family) => Run("-E -P", KernelSource.Of(family)).Output;

    private static void Compile(string arguments, string program)
    {
        string errors = Run(arguments, program).Errors;
        Assert.True(errors.Length == 0, errors);
    }

    private static (string Output, string Errors) Run(string arguments, string program)
    {
        var start = new ProcessStartInfo("g++", $"-std=c++17 -x c++ {arguments} -")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process compiler = Started(start);
        Task<string> output = compiler.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Task<string> errors = compiler.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        compiler.StandardInput.Write(program);
        compiler.StandardInput.Close();
        compiler.WaitForExit();
        return (output.Result, errors.Result);
    }

    private static Process Started(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("There is no g++ to compare the declarations with.");
            throw;
        }
    }

    [GeneratedRegex(@"^struct (\w+Parameters)\s*\{", RegexOptions.Multiline)]
    private static partial Regex Structs();

    [GeneratedRegex(@"^struct (?:Matrix|\w+Parameters)\s*\{[^}]*\};", RegexOptions.Multiline)]
    private static partial Regex PlainStructs();

    [GeneratedRegex(@"^typedef [\w ]+;", RegexOptions.Multiline)]
    private static partial Regex Types();

    [GeneratedRegex(@"__global__ void __launch_bounds__\(\d+\)\s+(\w+)\(const \w+ p\)")]
    private static partial Regex Kernels();
}
