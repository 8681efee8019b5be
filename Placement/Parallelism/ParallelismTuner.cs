using System.Collections.Immutable;
using System.Globalization;
using MoEActors.Placement.Map;

namespace MoEActors.Placement.Parallelism;

/// <summary>
/// The dictionary of best choices: capacity bucket → (r, d, exchange), seeded by predicted times and corrected by measured ones. Deterministic: the same
/// calls give the same choices.
/// <para>
/// What a choice takes is the mean of what was measured; in buckets close by, its ratio to what is predicted counts as well. A choice that was never
/// measured is taken to be off by as much as the measured ones that are most like it, or by <see cref="Doubt"/> to the better. The cheapest choice runs, unless one
/// that may be better still is to be tried. Trials may take what the first <see cref="FreeSteps"/> steps and <see cref="ExploredShare"/> of all
/// time pay for; a choice is no longer tried when it is worse by more than noise explains, or has been measured <see cref="Enough"/> times.
/// Of r only those are looked at that a ternary search over the cheapest choice of each visits, and 0 and the highest.
/// </para>
/// Source: the dictionary of Tutel (arXiv 2206.03382), section 3.3, which is built beforehand; bounds that decide on trials as in Auer, Cesa-Bianchi and Fischer, "Finite-time analysis
/// of the multiarmed bandit problem" (Machine Learning 47, 2002).
/// </summary>
public sealed class ParallelismTuner
{
    /// <summary>Capacities of a bucket, as in Tutel.</summary>
    public const int BucketWidth = 128;

    /// <summary>Part of all time that trials may take beyond the best choice, and steps of the best choice that they may take beforehand.</summary>
    private const double ExploredShare = 0.012, FreeSteps = 12;

    /// <summary>Noise of one measurement, relative; and standard errors that make a difference.</summary>
    private const double Noise = 0.05, Significant = 2;

    /// <summary>How much better than predicted a choice may be, as a logarithm: of one unlike any that was measured, and of one just like one.</summary>
    private const double Doubt = 0.7, LeastDoubt = 0.1;

    /// <summary>Measurements after which a choice is known, and those that its mean remembers.</summary>
    private const int Enough = 24, Remembered = 64;

    /// <summary>Distance of buckets, as a logarithm, at which a measurement counts 0.6; and measurements that all other buckets count for at most.</summary>
    private const double Reach = 0.2, MostBorrowed = 4;

    private readonly PossibleChoices _possible;
    private readonly Func<int, ParallelismChoice, double> _predict;
    private readonly SortedDictionary<int, Dictionary<ParallelismChoice, MeasuredChoice>> _measured = [];
    private readonly Dictionary<(int, ParallelismChoice), double> _predicted = [];
    private double _seconds;
    private double _explored;

    /// <summary>Begins, or goes on from a saved state.</summary>
    /// <param name="possible">The choices that there are.</param>
    /// <param name="predict">Seconds of a layer in a step, by bucket and choice.</param>
    /// <param name="state">What an earlier tuner knew; nothing unless given.</param>
    public ParallelismTuner(PossibleChoices possible, Func<int, ParallelismChoice, double> predict, TunerState? state = null)
    {
        _possible = possible;
        _predict = predict;
        (ImmutableArray<MeasuredChoice> measured, _seconds, _explored) = state ?? TunerState.Empty;
        foreach (MeasuredChoice one in measured)
        {
            Of(one.Bucket)[one.Choice] = one;
        }
    }

    /// <summary>The bucket of an expert's capacity, in rows of all workers.</summary>
    public static int BucketOf(long capacity) => (int)Math.Max(1, (capacity + BucketWidth - 1) / BucketWidth);

    /// <summary>What it knows now.</summary>
    public TunerState State => new(
        [
            .. _measured.Values.SelectMany(bucket => bucket.Values)
                .OrderBy(one => (one.Bucket, one.Choice.Slices, one.Choice.Overlap, one.Choice.Exchange, one.Choice.Copies)),
        ],
        _seconds,
        _explored);

    /// <summary>The choice for a step whose capacity is in a bucket.</summary>
    public ParallelismChoice Choose(int bucket)
    {
        Beliefs beliefs = new(this, bucket);
        return beliefs.Trial(FreeSteps, ExploredShare) ?? beliefs.Best.Choice;
    }

    /// <summary>Takes in what a step measured.</summary>
    /// <param name="bucket">The bucket that was given to <see cref="Choose"/>.</param>
    /// <param name="choice">The choice that ran, whoever made it.</param>
    /// <param name="seconds">Seconds of the layer, above 0.</param>
    public void Record(int bucket, ParallelismChoice choice, double seconds)
    {
        if (!(seconds > 0) || double.IsInfinity(seconds))
        {
            throw new PlacementException($"A layer was measured at {seconds:G4} s; a time must be above 0.");
        }

        Belief best = new Beliefs(this, bucket).Best;
        double log = Math.Log(seconds);
        if (Of(bucket).TryGetValue(choice, out MeasuredChoice? known))
        {
            // One step that something else disturbed shall not decide; a lasting change comes through by and by.
            const double MostSurprise = 4 * Noise;
            double surprise = known.Count < 3 ? log - known.LogSeconds : Math.Clamp(log - known.LogSeconds, -MostSurprise, MostSurprise);
            int count = Math.Min(known.Count + 1, Remembered);
            Of(bucket)[choice] = known with { Count = count, LogSeconds = known.LogSeconds + (surprise / count) };
        }
        else
        {
            Of(bucket)[choice] = new MeasuredChoice(bucket, choice, 1, log);
        }

        _seconds += seconds;
        if (choice != best.Choice && best.IsMeasured)
        {
            _explored += Math.Max(0, seconds - Math.Exp(best.Log));
        }
    }

    /// <summary>Why a bucket has its choice: one sentence for status and logs.</summary>
    public string Explain(int bucket)
    {
        Beliefs beliefs = new(this, bucket);
        Belief best = beliefs.Best;
        Belief? second = beliefs.Second;
        string state = beliefs.Trial(FreeSteps, ExploredShare) is { } trial && trial != best.Choice ? $" Next to be tried: {trial}." : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"Capacity {((long)bucket - 1) * BucketWidth + 1:N0} to {(long)bucket * BucketWidth:N0}: {best.Choice}, {best.Words}{(second is { } other ? $"; after it {other.Choice}, {other.Words}" : "")}.{state}");
    }

    private Dictionary<ParallelismChoice, MeasuredChoice> Of(int bucket) =>
        _measured.TryGetValue(bucket, out Dictionary<ParallelismChoice, MeasuredChoice>? found) ? found : _measured[bucket] = [];

    private double LogPredicted(int bucket, ParallelismChoice choice)
    {
        if (!_predicted.TryGetValue((bucket, choice), out double log))
        {
            _predicted[(bucket, choice)] = log = Math.Log(_predict(bucket, choice));
        }

        return log;
    }

    /// <summary>What a choice is believed to take in a bucket, as logarithms of seconds.</summary>
    /// <param name="Choice">The choice.</param>
    /// <param name="Log">What it is believed to take.</param>
    /// <param name="Least">What it may take at best.</param>
    /// <param name="Count">Measurements of it that count here; none if it is below one half.</param>
    private readonly record struct Belief(ParallelismChoice Choice, double Log, double Least, double Count)
    {
        public bool IsMeasured => Count >= 0.5;

        public string Words => string.Create(
            CultureInfo.InvariantCulture,
            $"{Math.Exp(Log) * 1e3:G3} ms {(IsMeasured ? $"measured ({Count:F0} times)" : "predicted")}");
    }

    /// <summary>What is believed of all choices in one bucket.</summary>
    private readonly struct Beliefs
    {
        private readonly ParallelismTuner _tuner;
        private readonly int _bucket;
        private readonly Dictionary<ParallelismChoice, (double Ratio, double Count)> _ratios = [];
        private readonly List<Belief> _all = [];

        public Beliefs(ParallelismTuner tuner, int bucket)
        {
            _tuner = tuner;
            _bucket = bucket;
            TakeRatios();
            foreach (int slices in SlicesLookedAt())
            {
                foreach (ParallelismChoice choice in tuner._possible.Of(slices))
                {
                    _all.Add(Of(choice));
                }
            }

            // A measured time outweighs any belief of one that was not.
            _all.Sort((left, right) => (!left.IsMeasured, left.Log).CompareTo((!right.IsMeasured, right.Log)));
        }

        public Belief Best => _all[0];

        public Belief? Second => _all.Count > 1 ? _all[1] : null;

        /// <summary>The choice to be tried, if one may be better than the best and trials may still take so much.</summary>
        public ParallelismChoice? Trial(double freeSteps, double share)
        {
            Belief best = Best;
            if (!best.IsMeasured)
            {
                return null;
            }

            double step = Math.Exp(best.Log);
            double left = (freeSteps * step) + (share * _tuner._seconds) - _tuner._explored;
            Belief? found = null;
            foreach (Belief other in _all.Skip(1).Where(other => other.Count < Enough))
            {
                double doubt = Significant * Noise / Math.Sqrt(best.Count);
                if (other.Least < best.Log + doubt && Math.Exp(other.Log) - step <= left && !(other.Least >= found?.Least))
                {
                    found = other;
                }
            }

            // What is to be compared with the trial must be known as well as it.
            return found is { } trial && trial.Count <= best.Count ? trial.Choice : null;
        }

        /// <summary>Measured over predicted time of every choice that was measured here or close by.</summary>
        private void TakeRatios()
        {
            Dictionary<ParallelismChoice, (double Sum, double Weight)> borrowed = [];
            foreach ((int bucket, Dictionary<ParallelismChoice, MeasuredChoice> choices) in _tuner._measured)
            {
                double distance = Math.Log((double)bucket / _bucket) / Reach;
                double weight = Math.Exp(-distance * distance / 2);
                if (bucket == _bucket || weight < 0.01)
                {
                    continue;
                }

                foreach ((ParallelismChoice choice, MeasuredChoice measured) in choices)
                {
                    double ratio = measured.LogSeconds - _tuner.LogPredicted(bucket, choice);
                    (double sum, double all) = borrowed.GetValueOrDefault(choice);
                    borrowed[choice] = (sum + (measured.Count * weight * ratio), all + (measured.Count * weight));
                }
            }

            foreach ((ParallelismChoice choice, (double sum, double weight)) in borrowed)
            {
                _ratios[choice] = (sum / weight, Math.Min(weight, MostBorrowed));
            }

            foreach ((ParallelismChoice choice, MeasuredChoice measured) in _tuner.Of(_bucket))
            {
                (double ratio, double count) = _ratios.GetValueOrDefault(choice);
                double own = measured.LogSeconds - _tuner.LogPredicted(_bucket, choice);
                _ratios[choice] = (((count * ratio) + (measured.Count * own)) / (count + measured.Count), count + measured.Count);
            }
        }

        private Belief Of(ParallelismChoice choice)
        {
            double predicted = _tuner.LogPredicted(_bucket, choice);
            if (_ratios.GetValueOrDefault(choice) is (var ratio, >= 0.5 and var count))
            {
                return new Belief(choice, predicted + ratio, predicted + ratio - (Significant * Noise / Math.Sqrt(count)), count);
            }

            double sum = 0, weights = 0.5, nearest = 0, likeRatio = 0;
            foreach ((ParallelismChoice other, (double otherRatio, double otherCount)) in _ratios)
            {
                double likeness = Likeness(choice, other) * Math.Min(1, otherCount);
                sum += likeness * otherRatio;
                weights += likeness;
                if (likeness > nearest)
                {
                    (nearest, likeRatio) = (likeness, otherRatio);
                }
            }

            // It may be as far off as the choice most like it, the more certainly the more alike they are; else as good as predicted.
            double alike = nearest * nearest;
            double least = (alike * likeRatio) + ((1 - alike) * Math.Min(0, likeRatio)) - LeastDoubt - ((Doubt - LeastDoubt) * (1 - alike));
            return new Belief(choice, predicted + (sum / weights), predicted + least, 0);
        }

        /// <summary>How much two choices have in common that makes them faster or slower than predicted, from 0 to 1.</summary>
        private static double Likeness(ParallelismChoice one, ParallelismChoice other)
        {
            const double OtherExchange = 0.3, OtherOverlap = 0.8, OtherSlices = 0.7, OtherCopies = 0.7;
            if (one.Slices == 0 || other.Slices == 0)
            {
                return one.Slices == other.Slices ? 1 : 0.1;
            }

            return (one.Exchange == other.Exchange ? 1 : OtherExchange)
                * (one.Copies == other.Copies ? 1 : OtherCopies)
                * Math.Pow(OtherOverlap, Math.Abs(Math.Log2((double)one.Overlap / other.Overlap)))
                * Math.Pow(OtherSlices, Math.Abs(Math.Log2((double)one.Slices / other.Slices)));
        }

        /// <summary>0 and the highest r, and those that a ternary search visits, as the time of an r's cheapest choice has one minimum between them.</summary>
        private SortedSet<int> SlicesLookedAt()
        {
            int low = 1, high = _tuner._possible.MostSlices;
            SortedSet<int> looked = [high];
            if (_tuner._possible.CanGather)
            {
                looked.Add(0);
            }

            while (high - low > 2)
            {
                int third = (high - low) / 3, left = low + third, right = high - third;
                looked.UnionWith([left, right]);
                (low, high) = Cheapest(left) <= Cheapest(right) ? (low, right) : (left, high);
            }

            looked.UnionWith(Enumerable.Range(low, high - low + 1));
            return looked;
        }

        private double Cheapest(int slices)
        {
            double least = double.PositiveInfinity;
            foreach (ParallelismChoice choice in _tuner._possible.Of(slices))
            {
                least = Math.Min(least, Of(choice).Log);
            }

            return least;
        }
    }
}
