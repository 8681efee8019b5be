using MoEActors.Modules.Gates;
using MoEActors.Modules.Optimizers;

namespace MoEActors.Modules.Models;

/// <summary>A single mixture-of-experts layer for a backbone of the caller's own. It maps [tokens, <see cref="Dim"/>] to the same shape.</summary>
public sealed record LayerConfiguration
{
    /// <summary>Features of a token.</summary>
    public int Dim { get; init; } = 128;

    /// <summary>Number of experts.</summary>
    public int Experts { get; init; } = 8;

    /// <summary>Hidden features of an expert.</summary>
    public int Hidden { get; init; } = 192;

    /// <summary>What an expert computes, one of <see cref="ModelKinds.Experts"/>.</summary>
    public string Expert { get; init; } = "swiglu";

    /// <summary>Experts beside the routed ones that see every token, see <see cref="ModelConfiguration.SharedExperts"/>.</summary>
    public int SharedExperts { get; init; }

    /// <summary>The residual form, see <see cref="ModelConfiguration.Residual"/>.</summary>
    public bool Residual { get; init; }

    /// <summary>Routing policy.</summary>
    public GateOptions Gate { get; init; } = new();

    /// <summary>The optimizer of the layer's parameters.</summary>
    public OptimizerOptions Optimizer { get; init; } = new();

    /// <summary>
    /// Parts that the rows of a call are split into, the atoms of routing: capacity and auxiliary losses are counted in each. Part of the
    /// result, and the most workers that have rows of their own.
    /// </summary>
    public int MicroBatches { get; init; } = 8;

    /// <summary>Whether replicas of an expert take whole micro-batches, see <see cref="RunConfiguration.Reproducible"/>.</summary>
    public bool Reproducible { get; init; } = true;

    /// <summary>Seed of the initial values, and of what gates draw.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The run of this layer: the form in which it travels, is stored and is saved.</summary>
    public RunConfiguration ToRun() => new()
    {
        Model = new ModelConfiguration
        {
            Backbone = Backbone.None,
            Dim = Dim,
            Experts = [Experts],
            Hidden = Hidden,
            Expert = Expert,
            SharedExperts = SharedExperts,
            Residual = Residual,
            Gate = Gate,
            Seed = Seed,
        },
        Optimizer = Optimizer,
        MicroBatches = MicroBatches,
        Reproducible = Reproducible,
    };

    /// <summary>The layer that a run is.</summary>
    /// <exception cref="ArgumentException">It is a whole model.</exception>
    public static LayerConfiguration From(RunConfiguration run) => run.Model.Backbone != Backbone.None
        ? throw new ArgumentException("The run has a backbone of its own: it is a model, not a layer.", nameof(run))
        : new LayerConfiguration
        {
            Dim = run.Model.Dim,
            Experts = run.Model.Experts[0],
            Hidden = run.Model.Hidden,
            Expert = run.Model.Expert,
            SharedExperts = run.Model.SharedExperts,
            Residual = run.Model.Residual,
            Gate = run.Model.Gate,
            Optimizer = run.Optimizer,
            MicroBatches = run.MicroBatches,
            Reproducible = run.Reproducible,
            Seed = run.Model.Seed,
        };
}
