using MoEActors.Modules.Autograd;

namespace MoEActors.Modules.Gates;

/// <summary>
/// What a <see cref="Gate"/> measures of each pass, on the device: a balance loss; the z-loss, <c>mean_t(logsumexp(logits_t)²)</c> (ST-MoE,
/// arXiv 2202.08906, §3), which keeps logits small, of sigmoid scores too; and the entropy of the router, <c>−Σₑ p·ln p</c> of each token, from 0 (one
/// expert) to ln E (all alike), which is reported and not trained. The host has them when it reads the pass's statistics.
/// </summary>
/// <param name="experts">Experts of the layer.</param>
internal sealed class GateLosses(int experts)
{
    /// <summary>Numbers that are measured.</summary>
    public const int Measures = 3;

    private const int Balance = 0, Z = 1, Entropy = 2;

    private readonly ChoiceBalanceLoss _firstChoice = new(experts, allChoices: false);
    private readonly ChoiceBalanceLoss _allChoices = new(experts, allChoices: true);
    private readonly LoadImportanceLoss _loadImportance = new(experts);
    private float _balanceCoefficient;
    private float _zCoefficient;
    private bool _balances;

    /// <summary>Measures a pass that has chosen.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="pass">The pass.</param>
    /// <param name="balances">Whether there is a balance loss; expert choice needs none.</param>
    public void Measure(Tape tape, GatePass pass, bool balances)
    {
        _balances = balances;
        _balanceCoefficient = pass.Options.BalanceCoefficient;
        _zCoefficient = pass.Options.ZCoefficient;
        if (pass.Context.ValidCount == 0)
        {
            return;
        }

        DeviceSpan<double> measures = pass.Routing.Measures;
        if (balances)
        {
            Measured(pass).Measure(tape, pass, measures.Slice(Balance, 1));
        }

        tape.Device.ZLoss(pass.LogSumExp, pass.Context.Valid, pass.Context.ValidCount, measures.Slice(Z, 1));
        DeviceSpan<float> entropies = tape.Arena.Take<float>(pass.Scores.Rows);
        tape.Device.Entropies(pass.Scores, pass.ScoresNeedSum, entropies);
        tape.Device.SumRows(entropies, pass.Context.Valid, measures.Slice(Entropy, 1));
    }

    /// <summary>Fills in what was measured.</summary>
    public void Report(Routing routing, ReadOnlySpan<double> measures)
    {
        routing.BalanceLoss = measures[Balance];
        routing.ZLoss = measures[Z];
        routing.AuxiliaryLoss = _balanceCoefficient * routing.BalanceLoss + _zCoefficient * routing.ZLoss;
        routing.EntropySum = measures[Entropy];
        routing.Losses.Clear();
        if (_balances)
        {
            routing.Losses.Add(new AuxiliaryLoss(AuxiliaryLoss.Balance, routing.BalanceLoss, _balanceCoefficient));
        }

        routing.Losses.Add(new AuxiliaryLoss(AuxiliaryLoss.Z, routing.ZLoss, _zCoefficient));
    }

    /// <summary>Adds the balance loss's gradient by the scores.</summary>
    public void AddScoreGradient(Tape tape, GatePass pass, in Matrix dScores)
    {
        if (HasBalanceGradient(pass))
        {
            Measured(pass).AddScoreGradient(tape, pass, pass.Options.BalanceCoefficient * pass.Context.AuxiliaryScale, dScores);
        }
    }

    /// <summary>Adds the gradients by the logits that do not go through the scores.</summary>
    public void AddLogitGradient(Tape tape, GatePass pass, in Matrix dLogits)
    {
        GateOptions options = pass.Options;
        RoutingContext context = pass.Context;
        if (HasBalanceGradient(pass))
        {
            Measured(pass).AddLogitGradient(tape, pass, options.BalanceCoefficient * context.AuxiliaryScale, dLogits);
        }

        if (options.ZCoefficient > 0 && context.ValidCount > 0)
        {
            float factor = options.ZCoefficient * context.AuxiliaryScale;
            tape.Device.ZLossGradient(pass.NoisyLogits, pass.LogSumExp, context.Valid, factor / context.ValidCount, dLogits);
        }
    }

    private bool HasBalanceGradient(GatePass pass) => _balances && pass.Options.BalanceCoefficient > 0 && pass.Context.ValidCount > 0;

    /// <summary>The balance loss that is measured.</summary>
    private IBalanceLoss Measured(GatePass pass) => pass.Options.Balance switch
    {
        BalanceLossKind.AllChoices => _allChoices,
        BalanceLossKind.LoadImportance => _loadImportance,
        _ => _firstChoice,
    };
}
