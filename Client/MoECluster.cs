using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Kinds;
using MoEActors.Modules.Models;

namespace MoEActors.Client;

/// <summary>A cluster as its users see it: the place to create and open models.</summary>
/// <param name="grains">Reaches the cluster's grains.</param>
/// <param name="kinds">The experts and gates that models may name, the same as on the silos; those of the library unless given.</param>
public sealed class MoECluster(IGrainFactory grains, ModelKinds? kinds = null)
{
    private readonly ModelKinds _kinds = kinds ?? ModelKinds.BuiltIn;

    /// <summary>Creates a model and opens its first epoch, or goes on with the one of that name and configuration.</summary>
    /// <param name="name">Letters, digits, '-', '_' and '.'.</param>
    /// <param name="run">Model, optimizer, and micro-batches per step.</param>
    /// <param name="placement">Where experts go; null for equal runs of experts on every worker.</param>
    /// <param name="cancellationToken">Stops waiting; the cluster goes on.</param>
    /// <exception cref="ModelConfigurationException">The configuration cannot work.</exception>
    /// <exception cref="Grains.Interfaces.Errors.InvalidRequestException">The name, or another model of that name.</exception>
    /// <exception cref="Grains.Interfaces.Errors.PlacementRefusedException">The placement cannot work.</exception>
    public async Task<MoEModel> CreateModelAsync(
        string name, RunConfiguration run, PlacementRequest? placement = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(run);
        run = run.Using(_kinds);
        run.Validate();
        GrainKeys.ValidateModelName(name);
        ITrainingGrain grain = grains.GetGrain<ITrainingGrain>(name);
        EpochOutcome epoch = await Tickets.RunAsync<EpochOutcome>(grain, () => grain.CreateAsync(run.ToJson(), placement), before: null, cancellationToken);
        return new MoEModel(name, grain, run, epoch);
    }

    /// <summary>Creates a model from a checkpoint. Training on gives, bit for bit, what never having stopped would have given.</summary>
    /// <param name="name">Letters, digits, '-', '_' and '.'; no model of that name may exist.</param>
    /// <param name="folder">The checkpoint, as every silo sees it.</param>
    /// <param name="placement">Where experts go, on any number of silos; null for equal runs of experts on every worker.</param>
    /// <param name="cancellationToken">Stops waiting; the cluster goes on.</param>
    /// <exception cref="Grains.Interfaces.Errors.CheckpointFailedException">There is no checkpoint that can be read.</exception>
    /// <exception cref="Grains.Interfaces.Errors.InvalidRequestException">A model of that name exists.</exception>
    public async Task<MoEModel> RestoreModelAsync(
        string name, string folder, PlacementRequest? placement = null, CancellationToken cancellationToken = default)
    {
        GrainKeys.ValidateModelName(name);
        string full = Path.GetFullPath(folder);
        ITrainingGrain grain = grains.GetGrain<ITrainingGrain>(name);
        EpochOutcome epoch = await Tickets.RunAsync<EpochOutcome>(grain, () => grain.RestoreAsync(full, placement), before: null, cancellationToken);
        TrainingStatus status = await grain.GetStatusAsync().WaitAsync(cancellationToken);
        return new MoEModel(name, grain, RunConfiguration.FromJson(status.Configuration, _kinds), epoch);
    }

    /// <summary>Opens a model that exists.</summary>
    /// <exception cref="Grains.Interfaces.Errors.InvalidRequestException">There is no such model.</exception>
    public async Task<MoEModel> OpenModelAsync(string name, CancellationToken cancellationToken = default)
    {
        GrainKeys.ValidateModelName(name);
        TrainingStatus status = await grains.GetGrain<ITrainingGrain>(name).GetStatusAsync().WaitAsync(cancellationToken);
        return await CreateModelAsync(name, RunConfiguration.FromJson(status.Configuration, _kinds), placement: null, cancellationToken);
    }
}
