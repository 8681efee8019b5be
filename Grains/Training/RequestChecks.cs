using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Placement.Planners;

namespace MoEActors.Grains.Training;

/// <summary>Checks what clients ask for before it is logged or queued.</summary>
internal static class RequestChecks
{
    /// <summary>Throws unless a batch fits the run: as many micro-batches as it has, in order, with at least one token to predict.</summary>
    /// <exception cref="InvalidRequestException">Saying what does not fit.</exception>
    public static void Batch(StepRequest request, RunConfiguration run)
    {
        if (run.Model.Backbone == Backbone.None)
        {
            // Its workers hold the gradients already: a step is the update alone.
            Refuse(request.Batches.Length > 0, "This is a layer without a backbone: it learns by forward, backward and apply, not from tokens.");
            return;
        }

        if (request.Batches.Length != run.MicroBatches)
        {
            throw new InvalidRequestException(
                $"Step {request.Step} has {request.Batches.Length} micro-batches; the run has {run.MicroBatches} per step.");
        }

        MicroBatches(request.Batches, run.Model);
    }

    /// <summary>Throws unless other work fits the run.</summary>
    /// <exception cref="InvalidRequestException">Saying what does not fit.</exception>
    public static void Work(WorkRequest request, RunConfiguration run)
    {
        bool isLayer = run.Model.Backbone == Backbone.None;
        Refuse(isLayer && request is EvaluateRequest or GenerateRequest, "This is a layer without a backbone: it knows rows, not tokens. Call forward.");
        Refuse(!isLayer && request is ForwardRequest or BackwardRequest, "This is a model with a backbone of its own: it learns from tokens, by steps.");
        switch (request)
        {
            case ForwardRequest { Rows: < 1 } forward:
                throw new InvalidRequestException($"A forward of {forward.Rows} rows cannot be; it needs at least 1.");
            case EvaluateRequest evaluate:
                MicroBatches(evaluate.Batches, run.Model);
                break;
            case GenerateRequest generate:
                Prompt(generate, run.Model.Vocabulary);
                break;
            case MoveRequest move when move.Layer < 0 || move.Layer >= run.Model.Layers || move.Expert < 0 || move.Expert >= run.Model.Experts[move.Layer]:
                throw new InvalidRequestException($"Layer {move.Layer} has no expert {move.Expert} to move.");
            case DirectRequest { Settings: { } settings }:
                Director(settings);
                break;
            case ConfigureGateRequest gate:
                GatePolicies.Check(gate, run);
                break;
            case ConfigureParallelismRequest parallelism:
                ParallelismControl.Check(parallelism.Layer, parallelism.Parallelism, run);
                break;
            case TuneParallelismRequest tune:
                ParallelismControl.Check(tune.Layer, parallelism: null, run);
                break;
            case SaveRequest save when string.IsNullOrWhiteSpace(save.Place):
                throw new InvalidRequestException("A checkpoint needs a folder.");
        }
    }

    /// <summary>Throws when a model that has no optimizer's state is to learn, or to be saved for learning on.</summary>
    /// <exception cref="InvalidRequestException">It is.</exception>
    public static void Inference(WorkRequest? request, string model) => Refuse(
        request is null or SaveRequest,
        $"Model '{model}' was opened for inference, without the optimizer's state: it can neither learn nor be saved. Restore its checkpoint for training, under another name.");

    private static void Refuse(bool wrong, string reason)
    {
        if (wrong)
        {
            throw new InvalidRequestException(reason);
        }
    }

    private static void MicroBatches(MicroBatch[] batches, ModelConfiguration model)
    {
        bool any = false;
        for (int i = 0; i < batches.Length; i++)
        {
            MicroBatch batch = batches[i];
            try
            {
                batch.Validate(model);
            }
            catch (ArgumentException e)
            {
                throw new InvalidRequestException($"Micro-batch {i}: {e.Message}");
            }

            any |= batch.Targets.Any(target => target >= 0);
        }

        Refuse(!any, "The batch has no token to predict: it is empty, or everything is masked.");
    }

    private static void Director(DirectorSettings settings)
    {
        if (PlannerCatalog.All.All(planner => planner.Name != settings.Policy))
        {
            throw new InvalidRequestException(
                $"The director knows no policy '{settings.Policy}'; it knows {string.Join(", ", PlannerCatalog.All.Select(planner => planner.Name))}.");
        }

        if (settings.SpareSlots < 0 || settings.Every < 1 || !(settings.Trigger >= 1) || settings.HorizonSteps < 1 || settings.CoolDownSteps < 0
            || settings.BytesPerStep < 0)
        {
            throw new InvalidRequestException(
                $"The director cannot work with {settings}: at least one step between plans and in the horizon, a trigger of at least 1, and nothing negative.");
        }
    }

    private static void Prompt(GenerateRequest request, int vocabulary)
    {
        Refuse(request.Prompt.Length == 0 || request.Count < 0, "Generation needs a prompt of at least one token and a count that is not negative.");
        foreach (int token in request.Prompt)
        {
            if (token < 0 || token >= vocabulary)
            {
                throw new InvalidRequestException($"The prompt's token {token} is outside the vocabulary of {vocabulary}.");
            }
        }

        if (!float.IsFinite(request.Temperature) || request.Temperature < 0)
        {
            throw new InvalidRequestException($"The temperature {request.Temperature} must be finite and not negative.");
        }
    }
}
