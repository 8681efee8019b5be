using System.Text;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Cpu;
using MoEActors.Native.Operations;

namespace MoEActors.Tests.Modules;

/// <summary>Random numbers by counter: well distributed, and the same in whatever order they are drawn.</summary>
public sealed class CounterRandomTests
{
    private const int Draws = 200_000;

    private static readonly ulong Key = CounterRandom.Mix(12345);

    [Fact]
    public void Uniform_numbers_fill_the_unit_interval_evenly()
    {
        int[] bins = new int[50];
        for (ulong i = 0; i < Draws; i++)
        {
            double value = CounterRandom.Uniform(Key, i);
            Assert.InRange(value, 0, 1 - 1e-16);
            bins[(int)(value * bins.Length)]++;
        }

        // χ² of 49 degrees of freedom is below 100 but for 2 in 100,000 generators.
        double expected = (double)Draws / bins.Length;
        Assert.InRange(bins.Sum(count => (count - expected) * (count - expected) / expected), 15, 100);
    }

    [Fact]
    public void Normal_numbers_have_the_moments_of_the_normal_distribution_and_do_not_follow_each_other()
    {
        double[] values = new double[Draws];
        for (int i = 0; i < Draws; i += 2)
        {
            (values[i], values[i + 1]) = CounterRandom.NormalPair(Key, (ulong)i);
        }

        Assert.Equal(0, values.Average(), 0.01);
        Assert.Equal(1, values.Average(value => value * value), 0.02);
        Assert.Equal(0, values.Average(value => value * value * value), 0.04);
        Assert.Equal(3, values.Average(value => Math.Pow(value, 4)), 0.1);
        Assert.Equal(0, values.Zip(values.Skip(1), (a, b) => a * b).Average(), 0.01);
        Assert.All(values, value => Assert.True(double.IsFinite(value)));
    }

    [Fact]
    public void Neighbouring_keys_draw_unrelated_numbers()
    {
        double[] one = [.. Enumerable.Range(0, Draws).Select(i => CounterRandom.Uniform(Key, (ulong)i) - 0.5)];
        double[] other = [.. Enumerable.Range(0, Draws).Select(i => CounterRandom.Uniform(CounterRandom.Mix(12346), (ulong)i) - 0.5)];
        Assert.Equal(0, 12 * one.Zip(other, (a, b) => a * b).Average(), 0.01);
        string[] names = [.. Enumerable.Range(0, 1000).Select(i => $"layers.{i % 10}.experts.{i / 10}.w")];
        Assert.Equal(names.Length, names.Select(name => CounterRandom.Hash(Encoding.UTF8.GetBytes(name))).Distinct().Count());
    }

    [Fact]
    public void Initial_values_follow_from_seed_and_name_whatever_else_is_made_before()
    {
        using var device = new CpuDevice();
        var model = new ModelConfiguration { Dim = 12, Heads = 2, Hidden = 7 };
        Dictionary<string, float[]> forth = Make(device, model, [0, 1, 2], seed: 9);
        Dictionary<string, float[]> back = Make(device, model, [2, 0, 1], seed: 9);
        Dictionary<string, float[]> other = Make(device, model, [0, 1, 2], seed: 10);
        foreach ((string name, float[] values) in forth)
        {
            Assert.Equal(values, back[name]);
            Assert.NotEqual(values, other[name]);
        }

        Assert.Equal(forth.Count, forth.Values.Select(values => values[0]).Distinct().Count());
        float[] weights = forth["layers.0.experts.1.gate_up"];
        Assert.Equal(1 / Math.Sqrt(12), Math.Sqrt(weights.Average(value => value * value)), 0.08);
    }

    private static Dictionary<string, float[]> Make(CpuDevice device, ModelConfiguration model, int[] experts, ulong seed)
    {
        Dictionary<string, float[]> values = [];
        foreach (int expert in experts)
        {
            using var block = new ParameterBlock(device, ModelLayout.ExpertPrefix(0, expert), ModelLayout.Expert(model));
            block.Initialise(seed);
            foreach (Parameter parameter in block.Parameters)
            {
                values.Add(block.Prefix + parameter.Shape.Name, parameter.Vector.AsSpan().ToArray());
            }
        }

        return values;
    }
}
