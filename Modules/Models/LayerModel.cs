using MoEActors.Modules.Gates;
using MoEActors.Modules.Parameters;
using MoEActors.Modules.Timing;
using MoEActors.Native;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Models;

/// <summary>
/// A single layer on one worker. The caller's trunk runs between forward and backward, so every micro-batch of a call keeps a pass of its own; a
/// further one evaluates in between.
/// </summary>
public sealed class LayerModel : IRoutedModel
{
    private readonly IDevice _device;
    private readonly LayerPass[] _rounds;
    private readonly LayerPass _evaluation;

    /// <summary>Builds the layer over parameters that exist.</summary>
    /// <param name="configuration">Validated configuration without a trunk.</param>
    /// <param name="device">The worker's device.</param>
    /// <param name="dense">Block with the layout of <see cref="ModelLayout.Dense"/>.</param>
    /// <param name="rounds">Micro-batches of a call that this worker runs at most.</param>
    /// <param name="experts">The resident experts as a pass reaches them, each by an exchange of its own: those of the rounds, then the evaluating one.</param>
    /// <param name="clock">Times the phases of a pass; null for a clock that nobody reads.</param>
    public LayerModel(ModelConfiguration configuration, IDevice device, ParameterBlock dense, int rounds, Func<int, ResidentExperts> experts,
        PhaseClock? clock = null)
    {
        Configuration = configuration;
        _device = device;
        _rounds = [.. Enumerable.Range(0, rounds).Select(Pass)];
        _evaluation = Pass(rounds);

        LayerPass Pass(int pass) => new(device, clock, configuration.Dim, MixtureLayers.Create(configuration, layer: 0, dense, experts(pass)));
    }

    /// <inheritdoc />
    public ModelConfiguration Configuration { get; }

    /// <summary>Number of rounds.</summary>
    public int Rounds => _rounds.Length;

    /// <summary>Memory of the passes.</summary>
    public IEnumerable<Arena> Arenas => [.. _rounds.Select(pass => pass.Arena), _evaluation.Arena];

    /// <summary>The pass beside those that wait for their backward.</summary>
    public LayerPass Evaluation => UnderPolicy(_evaluation);

    /// <summary>The pass of a round.</summary>
    public LayerPass Round(int round) => UnderPolicy(_rounds[round]);

    /// <summary>Passes of a layer that runs so many rounds.</summary>
    public static int PassesFor(int rounds) => rounds + 1;

    /// <summary>Has the experts elsewhere from now on; what waits for its backward is void. Between two steps, on every worker alike.</summary>
    /// <param name="experts">The resident experts as a pass reaches them.</param>
    public void Rewire(Func<int, ResidentExperts> experts)
    {
        for (int round = 0; round < _rounds.Length; round++)
        {
            _rounds[round].Rewire(experts(round));
        }

        _evaluation.Rewire(experts(_rounds.Length));
    }

    /// <summary>The gate of the first round, whose policy the others follow.</summary>
    public IGate? GateOf(int layer) => _rounds[0].Gate;

    /// <inheritdoc />
    public void EndStep(DeviceSpan<float> gradients) => _rounds[0].Gate.EndStep(_device, gradients);

    /// <inheritdoc />
    public void Dispose()
    {
        Array.ForEach(_rounds, pass => pass.Dispose());
        _evaluation.Dispose();
    }

    /// <summary>Passes follow the policy of the first, which is replaced between two steps.</summary>
    private LayerPass UnderPolicy(LayerPass pass)
    {
        GateOptions policy = _rounds[0].Gate.Options;
        if (!ReferenceEquals(pass.Gate.Options, policy))
        {
            pass.Gate.Reconfigure(policy);
        }

        return pass;
    }
}
