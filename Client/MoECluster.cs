using MoEActors.Client.Connections;
using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Telemetry;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Native.Communication;

namespace MoEActors.Client;

/// <summary>A cluster as its users see it: the place to create and open models, and single layers.</summary>
/// <param name="grains">Reaches the cluster's grains.</param>
/// <param name="kinds">The experts and gates that models may name, the same as on the silos; those of the library unless given.</param>
/// <param name="memory">Buffers that silos in this process share, through which layers are called; null for a client elsewhere.</param>
/// <param name="ending">Cancelled when the caller's host is about to stop: no step is begun any more, and no text goes on.</param>
public sealed class MoECluster(IGrainFactory grains, ModelKinds? kinds = null, CallerBuffers? memory = null, CancellationToken ending = default) : IAsyncDisposable
{
    private readonly ModelKinds _kinds = kinds ?? ModelKinds.BuiltIn;
    private ClusterConnection? _connection;

    /// <summary>What the silo of this process hears of the others; null in a process without one.</summary>
    internal ISiloNews? SiloNews { get; init; }

    /// <summary>Reaches the cluster's grains, a host's own among them.</summary>
    public IGrainFactory Grains => grains;

    /// <summary>Connects to a cluster of other processes, by its Redis server or its gateways. Dispose it to disconnect; the cluster goes on.</summary>
    /// <param name="options">Which cluster.</param>
    /// <param name="kinds">The experts and gates that models may name, the same as on the silos; those of the library unless given.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="ArgumentException">The options name no cluster, or a secret that is too short.</exception>
    /// <exception cref="FormatException">An address is none.</exception>
    /// <exception cref="ConnectionFailedException">Redis does not answer, or no silo was found in time.</exception>
    public static async Task<MoECluster> ConnectAsync(ConnectOptions options, ModelKinds? kinds = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ClusterConnection connection = await ClusterConnection.OpenAsync(options, cancellationToken);
        return new MoECluster(connection.Grains, kinds) { _connection = connection };
    }

    /// <summary>Creates a model and opens its first view, or goes on with the one of that name and configuration.</summary>
    /// <param name="name">Letters, digits, '-', '_' and '.'.</param>
    /// <param name="run">Model, optimizer, and micro-batches per step.</param>
    /// <param name="placement">Where experts go; null for equal runs of experts on every worker.</param>
    /// <param name="cancellationToken">Stops waiting; the cluster goes on.</param>
    /// <exception cref="ModelConfigurationException">The configuration cannot work.</exception>
    /// <exception cref="InvalidRequestException">The name, or another model of that name.</exception>
    /// <exception cref="PlacementRefusedException">The placement cannot work.</exception>
    /// <exception cref="MemoryRefusedException">A worker has not the memory for it; nothing was allocated.</exception>
    public async Task<MoEModel> CreateModelAsync(
        string name, RunConfiguration run, PlacementRequest? placement = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(run);
        Require(run, Backbone.Decoder, name);
        return await CreateAsync(name, run, placement, cancellationToken);
    }

    /// <summary>Creates a model from a checkpoint. Training on gives, bit for bit, what never having stopped would have given.</summary>
    /// <param name="name">Letters, digits, '-', '_' and '.'; no model of that name may exist.</param>
    /// <param name="place">The checkpoint: a path, relative to each silo's root of checkpoints, or a file: URI.</param>
    /// <param name="placement">Where experts go, on any number of silos; null for equal runs of experts on every worker.</param>
    /// <param name="cancellationToken">Stops waiting; the cluster goes on.</param>
    /// <exception cref="CheckpointFailedException">There is no checkpoint that can be read.</exception>
    /// <exception cref="InvalidRequestException">A model of that name exists, or the checkpoint is a layer's.</exception>
    public async Task<MoEModel> RestoreModelAsync(
        string name, string place, PlacementRequest? placement = null, CancellationToken cancellationToken = default)
    {
        MoEModel model = await RestoreAsync(name, grain => grain.RestoreAsync(place, placement), cancellationToken);
        Require(model.Run, Backbone.Decoder, name);
        return model;
    }

    /// <summary>
    /// Creates a model from the parameters of a checkpoint alone, to evaluate and to generate: the optimizer's state is not read and need not be there. It
    /// neither learns nor is saved.
    /// </summary>
    /// <inheritdoc cref="RestoreModelAsync" />
    public async Task<MoEModel> RestoreForInferenceAsync(
        string name, string place, PlacementRequest? placement = null, CancellationToken cancellationToken = default)
    {
        MoEModel model = await RestoreAsync(name, grain => grain.RestoreForInferenceAsync(place, placement), cancellationToken);
        Require(model.Run, Backbone.Decoder, name);
        return model;
    }

    /// <summary>Opens a model that exists. One that was stopped goes on.</summary>
    /// <exception cref="ModelNotFoundException">There is no such model.</exception>
    /// <exception cref="InvalidRequestException">It is a layer, or its name cannot be one.</exception>
    public async Task<MoEModel> OpenModelAsync(string name, CancellationToken cancellationToken = default) =>
        await CreateModelAsync(name, await ConfigurationAsync(name, cancellationToken), placement: null, cancellationToken);

    /// <summary>Creates a single layer for a backbone of the caller's own, or goes on with the one of that name and configuration.</summary>
    /// <param name="name">Letters, digits, '-', '_' and '.'; layers and models share one set of names.</param>
    /// <param name="layer">What the layer is.</param>
    /// <param name="placement">Where experts go; null for equal runs of experts on every worker.</param>
    /// <param name="cancellationToken">Stops waiting; the cluster goes on.</param>
    /// <exception cref="ModelConfigurationException">The configuration cannot work.</exception>
    /// <exception cref="InvalidRequestException">The name, or another layer or model of that name.</exception>
    /// <exception cref="PlacementRefusedException">The placement cannot work.</exception>
    public async Task<ClusterLayer> CreateLayerAsync(
        string name, LayerConfiguration layer, PlacementRequest? placement = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(layer);
        return new ClusterLayer(await CreateAsync(name, layer.ToRun(), placement, cancellationToken), memory);
    }

    /// <summary>Creates a layer from a checkpoint.</summary>
    /// <param name="name">Letters, digits, '-', '_' and '.'; no layer or model of that name may exist.</param>
    /// <param name="place">The checkpoint: a path, relative to each silo's root of checkpoints, or a file: URI.</param>
    /// <param name="placement">Where experts go, on any number of silos; null for equal runs of experts on every worker.</param>
    /// <param name="cancellationToken">Stops waiting; the cluster goes on.</param>
    /// <exception cref="CheckpointFailedException">There is no checkpoint that can be read.</exception>
    /// <exception cref="InvalidRequestException">The name is taken, or the checkpoint is a model's.</exception>
    public async Task<ClusterLayer> RestoreLayerAsync(
        string name, string place, PlacementRequest? placement = null, CancellationToken cancellationToken = default)
    {
        MoEModel layer = await RestoreAsync(name, grain => grain.RestoreAsync(place, placement), cancellationToken);
        Require(layer.Run, Backbone.None, name);
        return new ClusterLayer(layer, memory);
    }

    /// <summary>Opens a layer that exists.</summary>
    /// <exception cref="ModelNotFoundException">There is no such layer.</exception>
    /// <exception cref="InvalidRequestException">It is a model, or its name cannot be one.</exception>
    public async Task<ClusterLayer> OpenLayerAsync(string name, CancellationToken cancellationToken = default)
    {
        RunConfiguration run = await ConfigurationAsync(name, cancellationToken);
        Require(run, Backbone.None, name);
        return await CreateLayerAsync(name, LayerConfiguration.From(run), placement: null, cancellationToken);
    }

    /// <summary>A model or layer that somebody else trains, to look after it: nothing is opened for it, and its configuration is not checked.</summary>
    /// <exception cref="ModelNotFoundException">There is no such model.</exception>
    /// <exception cref="InvalidRequestException">No model can have the name.</exception>
    public async Task<MoEModel> AttachModelAsync(string name, CancellationToken cancellationToken = default)
    {
        TrainingStatus status = await GetStatusAsync(name, cancellationToken);
        return new MoEModel(name, grains, status.Configuration, new ViewOutcome(status.View, status.Map?.Workers.Length ?? 0, status.Step, Cursor: ""), ending);
    }

    /// <summary>The models and layers of the cluster, in the order of their names.</summary>
    public Task<ModelSummary[]> ListModelsAsync(CancellationToken cancellationToken = default) =>
        grains.GetGrain<IModelListGrain>(0).ListAsync().WaitAsync(cancellationToken);

    /// <summary>How a model or layer stands: term, view, step, and where everything is. Nothing is opened for it.</summary>
    /// <exception cref="ModelNotFoundException">There is no such model.</exception>
    /// <exception cref="InvalidRequestException">No model can have the name.</exception>
    public async Task<TrainingStatus> GetStatusAsync(string name, CancellationToken cancellationToken = default)
    {
        GrainKeys.ValidateModelName(name);
        return await grains.GetGrain<ITrainingGrain>(name).GetStatusAsync().WaitAsync(cancellationToken);
    }

    /// <summary>What the director of a model sees and has done.</summary>
    /// <exception cref="InvalidRequestException">No model can have the name.</exception>
    public async Task<DirectorStatus> GetDirectorAsync(string name, CancellationToken cancellationToken = default)
    {
        GrainKeys.ValidateModelName(name);
        return await grains.GetGrain<IDirectorGrain>(name).GetStatusAsync().WaitAsync(cancellationToken);
    }

    /// <summary>What is new in the run of a model or layer: steps, the load of its experts, and what else has happened. To be asked a few times a second at most.</summary>
    /// <param name="name">The model's name.</param>
    /// <param name="position"><see cref="RunNews.Position"/> of what was read last; the default for all that the coordinator keeps.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="ModelNotFoundException">There is no such model.</exception>
    /// <exception cref="InvalidRequestException">No model can have the name, or it is being deleted.</exception>
    public async Task<RunNews> ReadNewsAsync(string name, FeedPosition position = default, CancellationToken cancellationToken = default)
    {
        GrainKeys.ValidateModelName(name);
        return await grains.GetGrain<IRunFeedGrain>(name).ReadAsync(position).WaitAsync(cancellationToken);
    }

    /// <summary>The silos of the cluster, in the order of their names. Of a silo that was started again, the last start alone.</summary>
    public async Task<SiloSummary[]> ListSilosAsync(CancellationToken cancellationToken = default)
    {
        MembershipEntry[] entries = await grains.GetGrain<IManagementGrain>(0).GetDetailedHosts(onlyActive: false, cancellationToken).WaitAsync(cancellationToken);
        return [.. entries.GroupBy(entry => entry.SiloName, StringComparer.Ordinal).Select(starts => SiloSummary.Of(starts)).OrderBy(silo => silo.Name, StringComparer.Ordinal)];
    }

    /// <summary>
    /// Deletes a model or layer: its parameters leave the silos' memory, and its name is free. Steps that were submitted before are done first;
    /// whoever trains it finds that there is no such model any more. Checkpoints stay where they are.
    /// </summary>
    /// <param name="name">The model's name.</param>
    /// <param name="cancellationToken">Stops waiting; the deletion itself goes on.</param>
    /// <returns>Whether there was a model of that name.</returns>
    /// <exception cref="InvalidRequestException">No model can have the name.</exception>
    /// <exception cref="ViewFailedException">A silo does not answer; the model is still there, to be deleted again.</exception>
    public async Task<bool> DeleteModelAsync(string name, CancellationToken cancellationToken = default)
    {
        GrainKeys.ValidateModelName(name);
        ITrainingGrain grain = grains.GetGrain<ITrainingGrain>(name);
        return (await Tickets.RunAsync<DeleteOutcome>(grain, grain.DeleteAsync, before: null, cancellationToken)).Existed;
    }

    /// <summary>
    /// Stops the run of a model or layer after the steps that were submitted, whoever trains it, and takes a snapshot; the silos' memory is free then. Whoever
    /// trains it gets a <see cref="RunStoppedException"/>. It goes on, from there, when somebody opens the model.
    /// </summary>
    /// <param name="name">The model's name.</param>
    /// <param name="cancellationToken">Stops waiting; the run stops all the same.</param>
    /// <returns>Committed steps.</returns>
    /// <exception cref="ModelNotFoundException">There is no such model.</exception>
    /// <exception cref="InvalidRequestException">No model can have the name.</exception>
    /// <exception cref="CheckpointFailedException">The snapshot cannot be written; the run goes on.</exception>
    /// <exception cref="ViewFailedException">A worker failed; the run goes on.</exception>
    public async Task<long> StopModelAsync(string name, CancellationToken cancellationToken = default)
    {
        GrainKeys.ValidateModelName(name);
        ITrainingGrain grain = grains.GetGrain<ITrainingGrain>(name);
        return (await Tickets.RunAsync<StopOutcome>(grain, () => grain.SubmitAsync(new StopRequest()), before: null, cancellationToken)).Step;
    }

    private async Task<MoEModel> CreateAsync(
        string name, RunConfiguration run, PlacementRequest? placement, CancellationToken cancellationToken)
    {
        RunConfiguration known = run.Using(_kinds);
        known.Validate();
        GrainKeys.ValidateModelName(name);
        ITrainingGrain grain = grains.GetGrain<ITrainingGrain>(name);
        ViewOutcome view = await Tickets.RunAsync<ViewOutcome>(grain, () => grain.CreateAsync(known, placement), before: null, cancellationToken);
        return new MoEModel(name, grains, known, view, ending);
    }

    private async Task<MoEModel> RestoreAsync(
        string name, Func<ITrainingGrain, Task<long>> restore, CancellationToken cancellationToken)
    {
        GrainKeys.ValidateModelName(name);
        ITrainingGrain grain = grains.GetGrain<ITrainingGrain>(name);
        ViewOutcome view = await Tickets.RunAsync<ViewOutcome>(grain, () => restore(grain), before: null, cancellationToken);
        return new MoEModel(name, grains, await ConfigurationAsync(name, cancellationToken), view, ending);
    }

    private async Task<RunConfiguration> ConfigurationAsync(string name, CancellationToken cancellationToken) =>
        (await GetStatusAsync(name, cancellationToken)).Configuration.Using(_kinds);

    private static void Require(RunConfiguration run, Backbone backbone, string name)
    {
        if ((run.Model.Backbone == Backbone.None) != (backbone == Backbone.None))
        {
            throw new InvalidRequestException(backbone == Backbone.None
                ? $"'{name}' is a whole model, not a layer. Use {nameof(OpenModelAsync)} and its like."
                : $"'{name}' is a layer without a backbone, not a model. Use {nameof(OpenLayerAsync)} and its like.");
        }
    }

    /// <summary>Disconnects, if this was connected by <see cref="ConnectAsync"/>.</summary>
    public ValueTask DisposeAsync() => _connection?.DisposeAsync() ?? ValueTask.CompletedTask;
}
