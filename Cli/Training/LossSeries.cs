using MoEActors.Cli.Progress;

namespace MoEActors.Cli.Training;

/// <summary>The loss of a run of any length in a few hundred points: when there are too many, neighbours become their mean.</summary>
internal sealed class LossSeries
{
    /// <summary>More than the widest terminal has columns of dots.</summary>
    public const int Most = 512;

    private readonly List<LossPoint> _points = [];
    private int _stepsPerPoint = 1;
    private double _sum;
    private int _count;
    private long _last;

    /// <summary>The points so far, the unfinished last one included.</summary>
    public IReadOnlyList<LossPoint> Points => _count == 0 ? [.. _points] : [.. _points, new LossPoint(_last, _sum / _count)];

    /// <summary>Adds a step. What is no number is left out.</summary>
    public void Add(long step, double loss)
    {
        if (!double.IsFinite(loss))
        {
            return;
        }

        _sum += loss;
        _last = step;
        if (++_count < _stepsPerPoint)
        {
            return;
        }

        _points.Add(new LossPoint(step, _sum / _count));
        (_sum, _count) = (0, 0);
        if (_points.Count == Most)
        {
            for (int i = 0; i < Most / 2; i++)
            {
                (LossPoint first, LossPoint second) = (_points[2 * i], _points[2 * i + 1]);
                _points[i] = new LossPoint(second.Step, (first.Loss + second.Loss) / 2);
            }

            _points.RemoveRange(Most / 2, Most / 2);
            _stepsPerPoint *= 2;
        }
    }
}
