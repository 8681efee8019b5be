namespace MoEActors.Client.History.TensorBoard;

/// <summary>An event of TensorBoard (the messages Event, Summary and HistogramProto of TensorFlow): values of a step, each under a tag.</summary>
/// <param name="step">The step.</param>
/// <param name="time">When.</param>
internal sealed class EventMessage(long step, DateTimeOffset time)
{
    /// <summary>Bars of a histogram, at most: as many as TensorBoard shows.</summary>
    private const int MostBars = 30, LeastBars = 8;

    /// <summary>Fields of an Event.</summary>
    private const int WallTime = 1, Step = 2, FileVersion = 3, Summary = 5, SessionLog = 7;

    /// <summary>Fields of a Summary and its values.</summary>
    private const int Value = 1, ValueTag = 1, SimpleValue = 2, Histogram = 5;

    private readonly ProtoMessage _summary = new();
    private bool _hasValues;

    /// <summary>The first event of every file.</summary>
    public static ProtoMessage Version(DateTimeOffset time) => Head(time, 0).Text(FileVersion, "brain.Event:2");

    /// <summary>A session starts with a step: events of other files with this step, or a later one, count no more.</summary>
    public static ProtoMessage Start(long step, DateTimeOffset time) => Head(time, step).Message(SessionLog, new ProtoMessage().Integer(1, 1));

    /// <summary>Adds a number.</summary>
    public EventMessage Add(string tag, double value) => Add(new ProtoMessage().Text(ValueTag, tag).Float(SimpleValue, (float)value));

    /// <summary>Adds how numbers are distributed; nothing where there are none.</summary>
    public EventMessage Add(string tag, IReadOnlyList<double> values)
    {
        if (values.Count == 0)
        {
            return this;
        }

        (double least, double most) = (values.Min(), values.Max());
        int bars = least < most ? Math.Clamp(values.Count, LeastBars, MostBars) : 1;
        double[] limits = [.. Enumerable.Range(1, bars).Select(bar => bar == bars ? most : least + ((most - least) * bar / bars))];
        double[] counts = new double[bars];
        foreach (double value in values)
        {
            counts[Array.FindIndex(limits, limit => value <= limit)]++;
        }

        return Add(new ProtoMessage().Text(ValueTag, tag).Message(Histogram, new ProtoMessage()
            .Double(1, least).Double(2, most).Double(3, values.Count).Double(4, values.Sum()).Double(5, values.Sum(value => value * value))
            .Doubles(6, limits).Doubles(7, counts)));
    }

    /// <summary>The event; null when it has no values.</summary>
    public ProtoMessage? Message() => _hasValues ? Head(time, step).Message(Summary, _summary) : null;

    private static ProtoMessage Head(DateTimeOffset time, long step) => new ProtoMessage().Double(WallTime, time.ToUnixTimeMilliseconds() / 1000.0).Integer(Step, step);

    private EventMessage Add(ProtoMessage value)
    {
        _hasValues = true;
        _summary.Message(Value, value);
        return this;
    }
}
