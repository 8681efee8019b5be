using MoEActors.Client.Data;

namespace MoEActors.Cli.Training;

/// <summary>The windows that a step learns from: of the whole text, or of one half of it before a turn and of the other half afterwards.</summary>
internal sealed class SubjectWindows
{
    private readonly TrainingWindows _before;
    private readonly TrainingWindows _after;
    private readonly long _turn;

    /// <summary>Prepares the windows.</summary>
    /// <param name="corpus">The text.</param>
    /// <param name="seed">Same seed, same windows.</param>
    /// <param name="length">Inputs of a window.</param>
    /// <param name="turn">The last step on the first half of the text; null to take all of it in every step.</param>
    public SubjectWindows(ByteCorpus corpus, long seed, int length, long? turn)
    {
        (_before, _after) = turn is null ? (corpus.TrainingWindows(seed, length), corpus.TrainingWindows(seed, length)) : corpus.TrainingHalves(seed, length);
        _turn = turn ?? long.MaxValue;
    }

    /// <summary>The windows of a step.</summary>
    public TrainingWindows Of(long step) => step <= _turn ? _before : _after;
}
