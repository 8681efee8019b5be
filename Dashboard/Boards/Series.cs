using System.Globalization;
using System.Text;

namespace MoEActors.Dashboard.Boards;

/// <summary>Figures of a moment: the mean of the steps of a second, or of a minute.</summary>
/// <param name="Number">Its number; later ones are greater.</param>
/// <param name="Time">When its last step was decided, seconds since 1970.</param>
/// <param name="Step">That step.</param>
/// <param name="Steps">Number of steps.</param>
/// <param name="Loss">Mean cross-entropy, nats per token.</param>
/// <param name="TokensPerSecond">Predicted tokens per second of the steps.</param>
/// <param name="Balance">Mean balance ratio of the layers with experts; null where it was not known.</param>
/// <param name="WorstBalance">Highest balance ratio of a layer; null where it was not known.</param>
/// <param name="ExchangeBytesPerSecond">Bytes of rows that workers sent each other, per second of the steps.</param>
/// <param name="DroppedShare">Share of the choices that found no slot.</param>
internal readonly record struct SeriesPoint(
    long Number, double Time, long Step, int Steps, double Loss, double TokensPerSecond, double? Balance, double? WorstBalance, double ExchangeBytesPerSecond,
    double DroppedShare);

/// <summary>A step's figures, as they are added to a series.</summary>
/// <param name="Time">When it was decided, seconds since 1970.</param>
/// <param name="Step">The step.</param>
/// <param name="Loss">Mean cross-entropy, nats per token.</param>
/// <param name="Tokens">Predicted tokens.</param>
/// <param name="Seconds">Seconds that it took.</param>
/// <param name="Balance">Mean and highest balance ratio of its layers; null where they are not known.</param>
/// <param name="ExchangeBytes">Bytes of rows that workers sent each other.</param>
/// <param name="Chosen">Choices of an expert.</param>
/// <param name="Dropped">Those that found no slot.</param>
internal readonly record struct SeriesStep(
    double Time, long Step, double Loss, long Tokens, double Seconds, (double Mean, double Worst)? Balance, long ExchangeBytes, long Chosen, long Dropped);

/// <summary>Figures over time: the last hour by the second, and the day before it by the minute. Of steps that take longer, every one.</summary>
internal sealed class Series(Board board)
{
    private const int Seconds = 3600, Minutes = 1440;

    private readonly Ring _fine = new(Seconds, 1);
    private readonly Ring _coarse = new(Minutes, 60);

    /// <summary>Names of the columns of <see cref="Since"/>.</summary>
    public static IReadOnlyList<string> Columns { get; } = ["time", "step", "loss", "tokensPerSecond", "balance", "worstBalance", "exchangeBytesPerSecond", "droppedShare"];

    /// <summary>Adds a step.</summary>
    public void Add(SeriesStep step)
    {
        foreach (Ring ring in new[] { _coarse, _fine })
        {
            if (ring.EndsBefore(step.Time))
            {
                Close(ring);
            }

            ring.Open.Add(step);
        }
    }

    /// <summary>Time goes on, with or without steps.</summary>
    /// <param name="now">Seconds since 1970.</param>
    public void Advance(double now)
    {
        if (_fine.EndsBefore(now - 1))
        {
            Close(_fine);
        }
    }

    private void Close(Ring ring) => board.Change(version =>
    {
        ring.Close(version);
        return version;
    });

    /// <summary>
    /// The points after a version, oldest first. Whoever has seen nothing gets minutes as well, of the time before the last hour. To be called by <see cref="Board.Read{T}"/>.
    /// </summary>
    public SeriesPoint[] Since(long version)
    {
        IEnumerable<SeriesPoint> fine = _fine.Points.Where(point => point.Number > version);
        double first = _fine.Points.Count > 0 ? _fine.Points.Peek().Time : double.MaxValue;
        return version > 0 ? [.. fine] : [.. _coarse.Points.Where(point => point.Time < first), .. fine];
    }

    /// <summary>Points as JSON, an array for each column.</summary>
    public static byte[] ToJson(SeriesPoint[] points)
    {
        var text = new StringBuilder("{");
        Column(0, point => Number(point.Time, "0.###"));
        Column(1, point => point.Step.ToString(CultureInfo.InvariantCulture));
        Column(2, point => Number(point.Loss, "0.#####"));
        Column(3, point => Number(point.TokensPerSecond, "0.#"));
        Column(4, point => Number(point.Balance, "0.####"));
        Column(5, point => Number(point.WorstBalance, "0.####"));
        Column(6, point => Number(point.ExchangeBytesPerSecond, "0"));
        Column(7, point => Number(point.DroppedShare, "0.######"));
        return Encoding.UTF8.GetBytes(text.Append('}').ToString());

        void Column(int index, Func<SeriesPoint, string> value) =>
            text.Append(index == 0 ? "" : ",").Append('"').Append(Columns[index]).Append("\":[").AppendJoin(',', points.Select(value)).Append(']');
    }

    private static string Number(double? value, string format) =>
        value is { } number && double.IsFinite(number) ? number.ToString(format, CultureInfo.InvariantCulture) : "null";

    /// <summary>Points of one length, and the steps of the next.</summary>
    private sealed class Ring(int most, double length)
    {
        public List<SeriesStep> Open { get; } = [];

        public Queue<SeriesPoint> Points { get; } = [];

        /// <summary>Whether the open point is of an earlier second, or minute.</summary>
        public bool EndsBefore(double time) => Open.Count > 0 && Math.Floor(time / length) > Math.Floor(Open[0].Time / length);

        /// <summary>Makes a point of the open steps.</summary>
        public void Close(long number)
        {
            double seconds = Math.Max(1e-9, Open.Sum(step => step.Seconds));
            (double Mean, double Worst)[] balances = [.. Open.Where(step => step.Balance is not null).Select(step => step.Balance!.Value)];
            Points.Enqueue(new SeriesPoint(
                number, Open[^1].Time, Open[^1].Step, Open.Count, Open.Average(step => step.Loss), Open.Sum(step => step.Tokens) / seconds,
                balances.Length == 0 ? null : balances.Average(balance => balance.Mean),
                balances.Length == 0 ? null : balances.Max(balance => balance.Worst),
                Open.Sum(step => step.ExchangeBytes) / seconds, Open.Sum(step => step.Dropped) / (double)Math.Max(1, Open.Sum(step => step.Chosen))));
            Open.Clear();
            if (Points.Count > most)
            {
                Points.Dequeue();
            }
        }
    }
}
